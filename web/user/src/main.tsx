/** The user's page: session `user`, one connection for each conversation. */
import { createClient, createSession } from '@frontdesk/sdk'
import { ErrorBoundary, MissingParts, startLanguage, startTheme } from '@frontdesk/ui'
import { createRoot } from 'react-dom/client'
import { App } from './App'

startTheme()
const session = createSession({ name: 'user' })
const root = document.getElementById('root')
if (!root) throw new Error('the page has no #root')

await startLanguage()
createRoot(root).render(
  <ErrorBoundary>
    <App session={session} connect={(user) => createClient({ token: session.token, account: `user.${user.id}` })} />
    <MissingParts />
  </ErrorBoundary>,
)
