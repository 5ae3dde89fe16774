/** What stands over the rows: the search field and the filters with their counts. */

import type { InboxFilter, InboxState } from '@frontdesk/sdk'
import { Icon, IconButton } from '@frontdesk/ui'
import type { Ref } from 'react'
import { useConsoleText, useNumber } from '../text'

const filters = ['all', 'unread', 'open', 'resolved'] as const

export interface ListHeadProps {
  inbox: InboxState
  field: Ref<HTMLInputElement>
  onFilter(filter: Partial<InboxFilter>): void
  /** Down from the field goes into the rows. */
  onLeaveDown(): void
}

export function ListHead({ inbox, field, onFilter, onLeaveDown }: ListHeadProps) {
  const text = useConsoleText()
  return (
    <>
      <header className="list-head">
        <h1>{text.inbox}</h1>
      </header>
      <div className="list-tools">
        <SearchField q={inbox.filter.q} field={field} onSearch={(q) => onFilter({ q })} onLeaveDown={onLeaveDown} />
        <fieldset className="tabs" aria-label={text.filter}>
          {filters.map((show) => (
            <FilterButton key={show} show={show} inbox={inbox} onFilter={onFilter} />
          ))}
        </fieldset>
      </div>
    </>
  )
}

function FilterButton({
  show,
  inbox,
  onFilter,
}: {
  show: InboxFilter['show']
  inbox: InboxState
  onFilter: ListHeadProps['onFilter']
}) {
  const text = useConsoleText()
  const number = useNumber('compact')
  const count = counted(inbox, show)
  return (
    <button type="button" className="tab" aria-pressed={inbox.filter.show === show} onClick={() => onFilter({ show })}>
      {text.filters[show]}
      {count !== null && <span className="num">{number(count)}</span>}
    </button>
  )
}

function counted({ summary }: InboxState, show: InboxFilter['show']): number | null {
  if (!summary) return null
  return { all: summary.rooms, unread: summary.rooms_unread, open: summary.open, resolved: summary.resolved }[show]
}

interface SearchFieldProps {
  q: string
  field: Ref<HTMLInputElement>
  onSearch(q: string): void
  onLeaveDown(): void
}

function SearchField({ q, field, onSearch, onLeaveDown }: SearchFieldProps) {
  const text = useConsoleText()
  return (
    <search className="field">
      <Icon name="search" size={16} />
      <input
        ref={field}
        type="text"
        enterKeyHint="search"
        autoComplete="off"
        spellCheck={false}
        aria-label={text.search}
        placeholder={text.search}
        value={q}
        onChange={(event) => onSearch(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') onLeaveDown()
          else if (event.key === 'Escape' && q) onSearch('')
          else if (event.key === 'Escape') event.currentTarget.blur()
          else return
          event.preventDefault()
        }}
      />
      {q ? <IconButton icon="x" label={text.clear_search} small onClick={() => onSearch('')} /> : <kbd>/</kbd>}
    </search>
  )
}
