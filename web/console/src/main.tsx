/** Starts the console: looks and language first, so that nothing changes under the reader's eyes. */

import { createClient, createSession, type User } from '@frontdesk/sdk'
import { Announcer, ErrorBoundary, startLanguage, startTheme } from '@frontdesk/ui'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './App'

startTheme()
await startLanguage()

const session = createSession({ name: 'console' })
/** One connection for the whole console: the inbox, and over it the rooms that are open. */
const connect = (me: User) => createClient({ mode: 'inbox', account: String(me.id), token: session.token })
const root = document.getElementById('root')
if (!root) throw new Error('The page has no #root.')
createRoot(root).render(
  <StrictMode>
    <ErrorBoundary>
      <App session={session} connect={connect} />
    </ErrorBoundary>
    <Announcer />
  </StrictMode>,
)
