/** What pages import. React hooks are in `react.ts`, the admins' client in `inboxClient.ts`, the origin's service in `chatWebSocket.ts`. */
export { isApiError } from './api'
export { createClient } from './client'
export * from './protocol.gen'
export { createSession } from './session'
export { apply, emptyRoom } from './state'
export type * from './types'
