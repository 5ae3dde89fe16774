/** Starts the console: looks and language first, so that nothing changes under the reader's eyes. */

import { createSession, type User } from '@frontdesk/sdk'
import { createInboxClient } from '@frontdesk/sdk/inbox'
import { Announcer, ErrorBoundary, MissingParts, startLanguage, startTheme } from '@frontdesk/ui'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import '@frontdesk/ui/seldomIcons'
import { App } from './App'
import { consoleWords } from './text'

startTheme()
await startLanguage(consoleWords)

const session = createSession({ name: 'console' })
/** One connection for the whole console: the inbox, and over it the rooms that are open. */
const connect = (me: User) => createInboxClient({ account: String(me.id), token: session.token })
const root = document.getElementById('root')
if (!root) throw new Error('The page has no #root.')
createRoot(root).render(
  <StrictMode>
    <ErrorBoundary>
      <App session={session} connect={connect} />
    </ErrorBoundary>
    <Announcer />
    <MissingParts />
  </StrictMode>,
)
