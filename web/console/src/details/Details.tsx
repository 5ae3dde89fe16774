/** What is known about the open room beside its messages: the person, the room, how far they have read. */

import type { Room, RoomState } from '@frontdesk/sdk'
import { Avatar, clockOrDate, fullTime, IconButton, Ticks } from '@frontdesk/ui'
import type { ReactNode } from 'react'
import { presenceWords } from '../room/presence'
import { useConsoleText } from '../text'
import './details.css'
import { type Reached, userReceipts } from './receipts'

export interface DetailsProps {
  room: Room
  state: RoomState
  /** The head with its button: a page of its own on a phone, a drawer on a narrow screen, nothing beside the room. */
  shape: 'page' | 'drawer' | 'pane'
  onClose(): void
}

export function Details({ room, state, shape, onClose }: DetailsProps) {
  const text = useConsoleText()
  return (
    <aside className={`details scroll ${shape}`} aria-label={text.details} data-pane="details" tabIndex={-1}>
      {shape !== 'pane' && (
        <header className="details-head">
          {shape === 'page' && <IconButton icon="back" label={text.back_to_room} onClick={onClose} />}
          {shape === 'page' ? <h1 className="grow">{text.details}</h1> : <h2 className="grow">{text.details}</h2>}
          {shape === 'drawer' && <IconButton icon="x" label={text.close_details} onClick={onClose} />}
        </header>
      )}
      <div className="person">
        <Avatar id={room.user.id} name={room.user.name} size={56} presence={room.online ? 'online' : null} />
        <div>
          <h2 dir="auto">{room.user.name}</h2>
          <p className="hint">{presenceWords(room, text)}</p>
        </div>
      </div>
      <Section title={text.room}>
        <dl>
          <Fact name={text.status}>
            <span className={`status ${room.status}`}>
              {room.status === 'open' ? text.status_open : text.status_resolved}
            </span>
          </Fact>
          <Fact name={text.created}>
            <Time at={room.created_at} />
          </Fact>
          <Fact name={text.last_activity}>
            <Time at={room.updated_at} />
          </Fact>
        </dl>
      </Section>
      <Section title={text.receipts}>
        <Receipts state={state} />
      </Section>
    </aside>
  )
}

function Receipts({ state }: { state: RoomState }) {
  const text = useConsoleText()
  const { read, delivered } = userReceipts(state)
  if (!delivered.any) return <p className="hint">{text.nothing_read}</p>
  return (
    <ul className="receipts">
      {read.any && <Receipt tick="read" words={text.read_up_to} reached={read} />}
      <Receipt tick="delivered" words={text.device_up_to} reached={delivered} />
    </ul>
  )
}

function Receipt({ tick, words, reached }: { tick: 'read' | 'delivered'; words: string; reached: Reached }) {
  return (
    <li>
      <Ticks state={tick} />
      <span className="grow">{words}</span>
      {reached.at && <Time at={reached.at} />}
    </li>
  )
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="section">
      <h3>{title}</h3>
      {children}
    </section>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="clip">{children}</dd>
    </div>
  )
}

function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={fullTime(at)}>
      {clockOrDate(at)}
    </time>
  )
}
