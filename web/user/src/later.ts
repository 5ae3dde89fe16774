/** Parts of the user's page that most visits do without. */
import { later } from '@frontdesk/ui'

const list = () => import('./ConversationList')
export const ConversationList = later(() => list().then((it) => it.ConversationList))
export const ConversationsDialog = later(() => list().then((it) => it.ConversationsDialog))
export const AdminHere = later(() => import('./AdminHere').then((it) => it.AdminHere))
export const Gone = later(() => import('./Gone').then((it) => it.Gone))
