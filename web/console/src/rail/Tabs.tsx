/** On a phone the rail lies at the foot of the list. */
import { Icon } from '@frontdesk/ui'
import { navigate, type Route } from '../route'
import { useConsoleText } from '../text'
import { UnreadBadge } from './Rail'

export function Tabs({ page, unread, you }: { page: 'inbox' | 'you'; unread: number; you: string }) {
  const text = useConsoleText()
  const go = (route: Route) => () => navigate(route, 'replace')
  return (
    <nav className="bottom-tabs" aria-label={text.main}>
      <button type="button" aria-current={page === 'inbox' ? 'page' : undefined} onClick={go({ page: 'inbox' })}>
        <span className="bottom-icon" aria-hidden="true">
          <Icon name="inbox" />
          <UnreadBadge count={unread} />
        </span>
        <span aria-hidden="true">{text.inbox}</span>
        <span className="sr">{unread > 0 ? text.inbox_unread(unread) : text.inbox}</span>
      </button>
      <button type="button" aria-current={page === 'you' ? 'page' : undefined} onClick={go({ page: 'you' })}>
        <span className="bottom-icon">
          <Icon name="user" />
        </span>
        {you}
      </button>
    </nav>
  )
}
