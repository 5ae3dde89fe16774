/** The admins' client: all rooms over one connection, and their list. An import of its own, since users have no inbox. */
import { createClient } from './client'
import { browserEnv, type Env } from './env'
import { createInbox } from './inbox'
import type { ClientOptions, InboxClient, InboxHandle } from './types'

export function createInboxClient(options: ClientOptions, env: Env = browserEnv): InboxClient {
  let handle: InboxHandle
  const client = createClient(options, env, (api) => {
    const inbox = createInbox(api)
    handle = inbox.handle
    return inbox
  })
  return { ...client, inbox: () => handle }
}
