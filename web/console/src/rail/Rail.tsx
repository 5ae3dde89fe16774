/** The narrow column at the edge: where one is, what waits, settings and the account. */

import type { RoomsSummary, User } from '@frontdesk/sdk'
import { Avatar, Icon, Mark } from '@frontdesk/ui'
import { navigate, routeHash } from '../route'
import { useConsoleText } from '../text'
import './rail.css'

/** The popovers that the rail's buttons open; their contents belong to `settings/`. */
export const settingsPopover = 'settings-popover'
export const accountPopover = 'account-popover'

export function Rail({ me, summary }: { me: User; summary: RoomsSummary | null }) {
  const text = useConsoleText()
  const unread = summary?.rooms_unread ?? 0
  return (
    <nav className="rail on-app" aria-label={text.main} data-pane="rail">
      <span className="home">
        <Mark size={32} />
      </span>
      <a
        className="rail-item"
        href={routeHash({ page: 'inbox' })}
        aria-current="page"
        title={text.inbox}
        onClick={(event) => {
          event.preventDefault()
          navigate({ page: 'inbox' })
        }}
      >
        <Icon name="inbox" />
        <UnreadBadge count={unread} />
        <span className="sr">{unread > 0 ? text.inbox_unread(unread) : text.inbox}</span>
      </a>
      <span className="grow" />
      <button
        type="button"
        className="rail-item"
        popoverTarget={settingsPopover}
        aria-label={text.settings}
        title={text.settings}
      >
        <Icon name="sliders" />
      </button>
      <button
        type="button"
        className="rail-item me"
        popoverTarget={accountPopover}
        aria-label={text.account(me.name)}
        title={me.name}
      >
        <Avatar id={me.id} name={me.name} size={32} presence="online" />
      </button>
    </nav>
  )
}

export function UnreadBadge({ count }: { count: number }) {
  return count > 0 ? (
    <b className="badge" aria-hidden="true">
      {count > 99 ? '99+' : count}
    </b>
  ) : null
}
