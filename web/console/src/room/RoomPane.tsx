/** The open room: its head, its messages and the field to answer in. */

import type { Client, Room, StatusChange } from '@frontdesk/sdk'
import { type ComposerHandle, clock, DropZone, draftKey, Kept, MessageList } from '@frontdesk/ui'
import { useCallback, useMemo, useRef } from 'react'
import { useShortcuts } from '../keyboard/useShortcuts'
import { useConsoleText } from '../text'
import { knownNames } from './names'
import { ReplyField } from './ReplyField'
import { RoomGone } from './RoomGone'
import { RoomHead } from './RoomHead'
import './room.css'
import type { OpenRoom } from './useOpenRoom'

export interface RoomPaneProps {
  client: Client
  /** Null for the moment until it is followed. */
  open: OpenRoom | null
  /** As it is now, or as the list knows it. */
  room: Room | null
  meId: number
  /** The session was ended from outside. */
  signedOut: boolean
  messageMax: number
  phone: boolean
  touch: boolean
  hidden: boolean
  detailsOpen: boolean
  /** A drawer lies over it and has the focus. */
  covered: boolean
  onBack(): void
  onSignIn(): void
  onStatus(room: Room): void
  onDetails(): void
}

export function RoomPane(props: RoomPaneProps) {
  const { client, open, room } = props
  const text = useConsoleText()
  const composer = useRef<ComposerHandle>(null)
  useShortcuts(room ? { resolve: () => props.onStatus(room) } : {})
  if (open?.state.phase === 'gone') {
    return (
      <RoomGone phone={props.phone} onBack={props.onBack}>
        <Kept {...open} draftKey={draftKey(props.meId, open.state.room_id)} />
      </RoomGone>
    )
  }
  return (
    <DropZone
      className="room"
      aria-label={room?.user.name ?? text.loading_room}
      data-pane="room"
      hidden={props.hidden}
      onFiles={(files) => composer.current?.addFiles(files)}
    >
      {open && room && <RoomHead {...props} room={room} state={open.state} />}
      {open && (
        <>
          <Messages client={client} open={open} />
          <div className="room-dock">
            <ReplyField
              open={open}
              signedOut={props.signedOut}
              onSignIn={props.onSignIn}
              name={room?.user.name ?? ''}
              meId={props.meId}
              max={props.messageMax}
              touch={props.touch}
              focus={!props.touch && !props.covered}
              composer={composer}
            />
          </div>
        </>
      )}
    </DropZone>
  )
}

function Messages({ client, open: { handle, state } }: { client: Client; open: OpenRoom }) {
  const text = useConsoleText()
  const names = useMemo(() => knownNames(state), [state])
  const statusWords = useCallback(
    (change: StatusChange) => {
      const who = names.get(change.user_id) ?? text.an_admin
      const words = change.status === 'resolved' ? text.resolved_by(who) : text.reopened_by(who)
      return `${words} · ${clock(change.created_at)}`
    },
    [names, text],
  )
  return (
    <MessageList
      state={state}
      handle={handle}
      client={client}
      side="admin"
      look="soft"
      label={text.messages_with(state.room?.user.name ?? '')}
      statusWords={statusWords}
      unnamed={state.room?.user.id}
      empty={<p className="room-empty">{text.no_messages}</p>}
    />
  )
}
