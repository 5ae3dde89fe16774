/** The signed-in page: the column of conversations and the card with the one that is open. */
import type { Client, RoomHandle, Session, User } from '@frontdesk/sdk'
import { type MenuEntry, useReadyParts, useSignOut, useText } from '@frontdesk/ui'
import { type MouseEvent, useEffect, useState } from 'react'
import { Conversation } from './Conversation'
import { ConversationsDialog } from './later'
import { Side } from './Side'
import { useConversations, useLiveList, useShownState } from './useConversations'
import { Waiting } from './Waiting'

export interface ChatProps {
  session: Session
  client: Client
  user: User
  /** The session was ended from outside: the conversation stays, nothing can be sent. */
  signedOut: boolean
  onSignIn: () => void
}

export function Chat({ session, client, user, signedOut, onSignIn }: ChatProps) {
  const { chat } = useText()
  const conversations = useConversations(client, user, !signedOut)
  const handle = useRoomHandle(client, conversations.current)
  const signOut = useSignOut(session, client, user)
  const [listOpen, setListOpen] = useState(false)
  const phase = useShownState(handle)?.phase
  useReadyParts(phase === 'ready')
  const canWrite = !signedOut && (phase === 'loading' || phase === 'ready')
  const list = { rooms: useLiveList(conversations, handle), current: conversations.current, user }
  const hasSeveral = list.rooms.length > 1

  const entries: MenuEntry[] = [
    ...(hasSeveral
      ? ([
          { kind: 'choice', icon: 'inbox', label: chat.conversations, onSelect: () => setListOpen(true) },
          { kind: 'line' },
        ] satisfies MenuEntry[])
      : []),
    { kind: 'preferences' },
    ...(signedOut ? [] : ([{ kind: 'line' }, ...signOut.entries] satisfies MenuEntry[])),
  ]
  return (
    <div className="page">
      {canWrite && (
        // biome-ignore lint/a11y/useValidAnchor: it is a link to a part of this page
        <a className="skip" href="#composer" onClick={toComposer}>
          {chat.skip}
        </a>
      )}
      <Side list={list} onSignOut={signedOut ? null : () => signOut.leave()} />
      {handle ? (
        <Conversation
          key={handle.room_id}
          client={client}
          handle={handle}
          user={user}
          menu={entries}
          signedOut={signedOut}
          onSignIn={onSignIn}
          onGone={() => {
            conversations.show(null)
            conversations.reload()
          }}
        />
      ) : (
        <Waiting failed={conversations.failed} menu={entries} />
      )}
      {listOpen && <ConversationsDialog {...list} onClose={() => setListOpen(false)} />}
      {signOut.dialog}
    </div>
  )
}

/** Focuses it instead of following the link: the address belongs to the conversation. */
function toComposer(event: MouseEvent): void {
  event.preventDefault()
  document.getElementById('composer')?.focus()
}

/** Follows a room for as long as it is on the screen. */
function useRoomHandle(client: Client, room_id: number | null): RoomHandle | null {
  const [handle, setHandle] = useState<RoomHandle | null>(null)
  useEffect(() => {
    if (room_id === null) return
    const next = client.room(room_id)
    setHandle(next)
    return () => {
      next.markLeft()
      next.release()
    }
  }, [client, room_id])
  return handle
}
