/** What the list says when no room fits: which filter is empty, and the way out. */
import type { InboxFilter, InboxState } from '@frontdesk/sdk'
import { useConsoleText, useNumber } from '../text'

export interface EmptyListProps {
  inbox: InboxState
  onRetry(): void
  onFilter(filter: Partial<InboxFilter>): void
  onClear(): void
}

export function EmptyList({ inbox, onRetry, onFilter, onClear }: EmptyListProps) {
  const text = useConsoleText()
  const number = useNumber()
  const { filter, phase, summary } = inbox
  if (phase === 'failed') return <Empty title={text.list_failed} button={text.try_again} onClick={onRetry} />
  if (filter.q)
    return (
      <Empty title={text.no_match(filter.q)} line={text.search_where} button={text.clear_search} onClick={onClear} />
    )
  if (filter.show === 'all' || summary?.rooms === 0) return <Empty title={text.no_rooms} line={text.no_rooms_text} />
  const all = summary ? `${text.show_all} ${number(summary.rooms)}` : text.show_all
  const showAll = () => onFilter({ show: 'all' })
  if (filter.show === 'resolved')
    return <Empty title={text.no_resolved} line={text.no_resolved_text} button={all} onClick={showAll} />
  const line = filter.show === 'unread' ? text.no_unread : text.no_open
  return <Empty title={text.nothing_waiting} line={line} button={all} onClick={showAll} />
}

interface EmptyProps {
  title: string
  line?: string
  button?: string
  onClick?(): void
}

function Empty({ title, line, button, onClick }: EmptyProps) {
  return (
    <div className="empty" role="status">
      <h2>{title}</h2>
      {line && <p>{line}</p>}
      {button && (
        <button type="button" className="btn small" onClick={onClick}>
          {button}
        </button>
      )}
    </div>
  )
}
