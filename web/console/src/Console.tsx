/** The console of an admin who is signed in: one inbox connection, the panes, and what belongs to no pane. */

import type { InboxClient, Room, Session, User } from '@frontdesk/sdk'
import { useReadable } from '@frontdesk/sdk/react'
import { announce, Banner, ConnectionPill, useReadyParts, useSignOut, useText } from '@frontdesk/ui'
import { type CSSProperties, useCallback, useMemo, useState } from 'react'
import { Details } from './details/Details'
import { useDetails } from './details/useDetails'
import { focusNextPane } from './keyboard/panes'
import { Sheet } from './keyboard/Sheet'
import { useShortcuts } from './keyboard/useShortcuts'
import './layout/layout.css'
import { Resizer, useListWidth } from './layout/Resizer'
import { Toast, useToast } from './layout/Toast'
import { usePhone, useTouch, useWide } from './layout/useMedia'
import { RoomList } from './list/RoomList'
import { useNotify } from './notify/useNotify'
import { Rail } from './rail/Rail'
import { Tabs } from './rail/Tabs'
import { NoRoom } from './room/NoRoom'
import { RoomPane } from './room/RoomPane'
import { useOpenRoom } from './room/useOpenRoom'
import { back, navigate, useRoute } from './route'
import { SettingsPopovers, You } from './settings/layers'
import { useConsoleText } from './text'

export interface ConsoleProps {
  client: InboxClient
  session: Session
  me: User
  /** The session was ended from outside; what is on screen stays. */
  signedOut: boolean
  messageMax: number
  onSignIn(): void
}

export function Console({ client, session, me, signedOut, messageMax, onSignIn }: ConsoleProps) {
  const text = useConsoleText()
  const { common } = useText()
  const route = useRoute()
  const phone = usePhone()
  const wide = useWide()
  const touch = useTouch()
  const handle = useMemo(() => client.inbox(), [client])
  const inbox = useReadable(handle)
  const connection = useReadable(client.connection)
  useReadyParts(inbox.phase === 'ready')
  const openId = route.page === 'room' ? route.room_id : null
  const open = useOpenRoom(client, openId)
  const failed = useReadable(client.failedRooms)
  const details = useDetails(route, wide)
  const [width, setWidth] = useListWidth()
  const [sheet, setSheet] = useState(false)
  const [said, say] = useToast()
  useNotify(inbox, openId)

  const signOut = useSignOut(session, client, me)
  const layer = { me, touch, onSignOut: (all: boolean) => signOut.leave({ all }) }

  const openRoom = useCallback((room_id: number) => navigate({ page: 'room', room_id, details: false }), [])
  const toInbox = () => back({ page: 'inbox' })
  const setStatus = useCallback(
    (room: Room) => {
      const status = room.status === 'open' ? 'resolved' : 'open'
      client.setStatus(room.id, status).then(
        () => announce(status === 'open' ? text.status_open : text.status_resolved),
        () => say(text.status_failed),
      )
    },
    [client, say, text],
  )
  useShortcuts({
    help: () => setSheet(true),
    panes: (event) => focusNextPane(event.shiftKey),
  })

  const unread = inbox.summary?.rooms_unread ?? 0
  const gone = open?.state.phase === 'gone'
  const room = gone ? null : (open?.state.room ?? inbox.rooms.find((one) => one.id === openId) ?? null)
  const detailsBeside = details.open && wide && room !== null
  const shows = {
    list: !phone || route.page === 'inbox',
    you: phone && route.page === 'you',
    room: !phone || !details.open,
  }
  return (
    <div
      className={detailsBeside ? 'console with-pane' : 'console'}
      style={{ '--list-width': `${width}px` } as CSSProperties}
    >
      {openId !== null && (
        <button type="button" className="skip" onClick={skipToComposer}>
          {text.skip}
        </button>
      )}
      {!phone && <Rail me={me} summary={inbox.summary} />}
      <RoomList
        // Kept while another pane covers it, and with it its place.
        hidden={!shows.list}
        handle={handle}
        inbox={inbox}
        meId={me.id}
        failed={failed}
        open={room}
        openId={openId}
        phone={phone}
        edge={!phone && <Resizer width={width} onWidth={setWidth} />}
        onOpen={openRoom}
        onStatus={setStatus}
      />
      {shows.you && <You {...layer} />}
      {phone && route.page !== 'room' && <Tabs page={route.page} unread={unread} you={common.you} />}
      {(!phone || route.page === 'room') && (
        <main className={`sheet${details.open && openId !== null ? ' with-details' : ''}`}>
          {openId === null && <NoRoom unread={unread} />}
          {openId !== null && (
            <RoomPane
              key={openId}
              hidden={!shows.room}
              client={client}
              open={open}
              room={room}
              meId={me.id}
              signedOut={signedOut}
              messageMax={messageMax}
              phone={phone}
              touch={touch}
              detailsOpen={details.open}
              covered={details.open && !wide}
              onBack={toInbox}
              onSignIn={onSignIn}
              onStatus={setStatus}
              onDetails={details.toggle}
            />
          )}
          {details.open && open && room && (
            <Details
              room={room}
              state={open.state}
              shape={phone ? 'page' : wide ? 'pane' : 'drawer'}
              onClose={details.close}
            />
          )}
        </main>
      )}
      {!phone && <SettingsPopovers {...layer} />}
      {signOut.dialog}
      {sheet && <Sheet onClose={() => setSheet(false)} />}
      <ConnectionPill connection={connection} waiting={client.unsent()} onRetry={client.retryNow} />
      {signedOut && openId === null && <SignedOutNotice onSignIn={onSignIn} />}
      <Toast said={said} />
    </div>
  )
}

/** Over all panes while no conversation is there to show it. */
function SignedOutNotice({ onSignIn }: { onSignIn(): void }) {
  const { common } = useText()
  const action = (
    <button type="button" className="btn primary small" onClick={onSignIn}>
      {common.sign_in}
    </button>
  )
  return (
    <div className="toast">
      <Banner kind="info" icon="lock" action={action}>
        {common.banner_signed_out}
      </Banner>
    </div>
  )
}

function skipToComposer() {
  document.querySelector<HTMLElement>('[data-pane="room"] textarea')?.focus()
}
