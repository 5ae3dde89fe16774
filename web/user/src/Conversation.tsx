/** The card: head, messages, banner and composer of one conversation. */
import { type Client, limits, type RoomHandle, type StatusChange, type User } from '@frontdesk/sdk'
import { useConnection, useReadable } from '@frontdesk/sdk/react'
import {
  Composer,
  type ComposerHandle,
  ConnectionPill,
  clock,
  DropZone,
  draftKey,
  type MenuEntry,
  MessageList,
  RoomBanner,
  useText,
} from '@frontdesk/ui'
import { useEffect, useRef } from 'react'
import { Head } from './Head'
import { Hello } from './Hello'
import { Gone } from './later'

interface Props {
  client: Client
  handle: RoomHandle
  user: User
  menu: MenuEntry[]
  signedOut: boolean
  onSignIn: () => void
  onGone: () => void
}

/** On touch screens the keyboard would cover what was opened. */
const hasPointer = () => matchMedia('(hover: hover) and (pointer: fine)').matches

export function Conversation({ client, handle, user, menu, signedOut, onSignIn, onGone }: Props) {
  const { chat } = useText()
  const state = useReadable(handle)
  const connection = useConnection(client)
  const composer = useRef<ComposerHandle>(null)
  useTitle(signedOut ? 0 : (state.room?.unread_count ?? 0))

  const statusWords = (change: StatusChange) =>
    change.status === 'resolved'
      ? chat.status_resolved(clock(change.created_at))
      : chat.status_open(clock(change.created_at))
  const send = (text: string, files: File[]) => {
    if (files.length > 0) handle.sendFiles(files, text)
    else handle.send(text)
  }
  const isGone = state.phase === 'gone'
  const canWrite = !signedOut && !isGone
  const knowsPresence = connection.status === 'online' && !signedOut
  return (
    <DropZone
      className="card"
      aria-label={chat.conversation}
      role="main"
      onFiles={canWrite ? (files) => composer.current?.addFiles(files) : null}
    >
      <Head room={state} connection={connection} signedOut={signedOut} menu={menu} />
      {!signedOut && (
        <ConnectionPill connection={connection} waiting={client.unsent()} onRetry={() => client.retryNow()} />
      )}
      {isGone ? (
        <Gone state={state} handle={handle} draftKey={draftKey(user.id, state.room_id)} onBack={onGone} />
      ) : (
        <MessageList
          state={state}
          handle={handle}
          client={client}
          side="user"
          look="solid"
          label={chat.messages}
          statusWords={statusWords}
          empty={<Hello name={user.name} here={knowsPresence ? state.support_online : null} />}
        />
      )}
      <div className="dock">
        <RoomBanner room={state} signedOut={signedOut} onSignIn={onSignIn} />
        {canWrite && (
          <>
            <Composer
              ref={composer}
              id="composer"
              look="one"
              label={chat.field}
              placeholder={chat.placeholder}
              draftKey={draftKey(user.id, state.room_id)}
              max={limits.message_chars_max}
              autoFocus={hasPointer()}
              onSend={send}
              onTyping={handle.typing}
            />
            <p className="hint under">{chat.enter_sends}</p>
          </>
        )}
      </div>
    </DropZone>
  )
}

function useTitle(unread: number): void {
  const { chat } = useText()
  useEffect(() => {
    const count = unread > 99 ? '(99+) ' : unread > 0 ? `(${unread}) ` : ''
    document.title = `${count}${chat.title} · Frontdesk`
  }, [unread, chat])
}
