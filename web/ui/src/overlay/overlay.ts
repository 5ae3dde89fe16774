/** What opens over the page, or takes its place, as one chunk. */
import '../seldomIcons'

export { SignOutDialog } from '../session/SignOutDialog'
export { DatePill } from '../thread/DatePill'
export { Kept } from '../thread/Kept'
export { Dialog } from './Dialog'
export { MenuList } from './MenuList'
