/** Bubbles of one person and minute, with the name above the first and the foot below the last. */
import type { SendState, ShownMessage } from '@frontdesk/sdk'
import { memo } from 'react'
import { Avatar, firstName } from '../Avatar'
import type { UploadVerbs } from '../files/UploadView'
import { Icon } from '../Icon'
import { useSpeech, useText } from '../text/language'
import { clock, fullTime, percent } from '../text/time'
import { Bubble } from './Bubble'
import { type Group, sameGroup } from './rows'
import { Ticks } from './Ticks'

export interface GroupVerbs extends UploadVerbs {
  retry(key: string): void
  discard(key: string): void
}

interface Props {
  group: Group
  verbs: GroupVerbs
  /** The name over the first bubble: users read first names; the console leaves out the user's own. */
  name: 'full' | 'first' | 'none'
}

export const GroupView = memo(
  function GroupView({ group, verbs, name }: Props) {
    const first = group.messages[0]
    const last = group.messages.at(-1)
    if (!first || !last) return null
    const side = group.ours ? (group.own ? 'us' : 'us other') : ''
    return (
      <article className={`grp ${side}`} data-seq={last.seq ?? undefined}>
        {!group.own && <Avatar id={first.sender.id} name={first.sender.name} size={28} />}
        <div className="col">
          {group.own ? (
            <span className="sr">{first.sender.name}</span>
          ) : (
            <div className={name === 'none' ? 'sr' : 'who'} dir="auto">
              {name === 'first' ? firstName(first.sender.name) : first.sender.name}
            </div>
          )}
          {group.messages.map((message) => (
            <Bubble key={message.key} message={message} verbs={verbs} />
          ))}
          <Foot message={last} newestRead={group.newestRead} verbs={verbs} />
        </div>
      </article>
    )
  },
  (a, b) => a.name === b.name && a.verbs === b.verbs && sameGroup(a.group, b.group),
)

function Foot({ message, newestRead, verbs }: { message: ShownMessage; newestRead: boolean; verbs: GroupVerbs }) {
  // The time is written in the page's language, and the group around it is not drawn again for that alone.
  useSpeech()
  if (message.state === 'failed') return <FailedFoot message={message} verbs={verbs} />
  const waits = message.state === 'queued' || message.state === 'sending'
  return (
    <div className="foot">
      {!waits && (
        <time dateTime={message.created_at} title={fullTime(message.created_at)}>
          {clock(message.created_at)}
        </time>
      )}
      {message.state && <OwnState message={message} state={message.state} newestRead={newestRead} />}
    </div>
  )
}

function OwnState({ message, state, newestRead }: { message: ShownMessage; state: SendState; newestRead: boolean }) {
  const { chat } = useText()
  const running = message.uploads.filter((upload) => upload.state === 'uploading' || upload.state === 'waiting')
  const sent = message.uploads.reduce((sum, upload) => sum + upload.sent, 0)
  const size = message.uploads.reduce((sum, upload) => sum + upload.size, 0)
  const words =
    state === 'queued'
      ? chat.queued
      : state === 'sending'
        ? running.length > 0
          ? chat.sending_percent(percent(sent, size))
          : null
        : newestRead
          ? `· ${chat.read}`
          : null
  return (
    <>
      {state === 'queued' || state === 'sending' ? <Ticks state={state} /> : null}
      {words && <span aria-hidden={newestRead || undefined}>{words}</span>}
      {state === 'queued' || state === 'sending' ? null : <Ticks state={state} />}
    </>
  )
}

/** Sending these again would end the same way. */
const hopeless: ReadonlySet<string> = new Set(['too_large', 'too_long', 'unsupported_media_type', 'forbidden'])

function FailedFoot({ message, verbs }: { message: ShownMessage; verbs: GroupVerbs }) {
  const { chat } = useText()
  const code = message.error?.code
  const isStopped = message.uploads.some((upload) => upload.state === 'stopped')
  const reason = code && code in chat.failures ? chat.failures[code as keyof typeof chat.failures] : null
  return (
    <div className={isStopped ? 'foot stopped' : 'foot bad'}>
      {!isStopped && (
        <span>
          <Icon name="alert" size={14} />
          {chat.failed}
          {reason && ` · ${reason}`}
        </span>
      )}
      {(!code || !hopeless.has(code)) && (
        <button type="button" className="textlink" onClick={() => verbs.retry(message.key)}>
          {code === 'stale' ? chat.send_anyway : chat.retry}
        </button>
      )}
      <button type="button" className="textlink" onClick={() => verbs.discard(message.key)}>
        {chat.delete}
      </button>
    </div>
  )
}
