/** Who sees what: the sign-in page, the console, or the way to the page of their own. */

import { type InboxClient, limits, type Session, type User } from '@frontdesk/sdk'
import { useReadable } from '@frontdesk/sdk/react'
import { LoginPage } from '@frontdesk/ui'
import { useEffect, useState } from 'react'
import { Console } from './Console'
import { NotAdmin } from './NotAdmin'

export interface AppProps {
  session: Session
  /** Makes the one client of an admin who is signed in. */
  connect(me: User): InboxClient
}

export function App({ session, connect }: AppProps) {
  const state = useReadable(session)
  const user = useShownUser(state)
  const max = useMessageMax(session)
  const [asked, setAsked] = useState(false)
  if (state.status === 'signed_in' && asked) setAsked(false)
  if (state.status === 'unknown' && !user) return null
  if (!user || asked) return <LoginPage session={session} page="console" />
  if (user.role !== 'admin') return <NotAdmin user={user} session={session} />
  return (
    <SignedIn
      key={user.id}
      session={session}
      connect={connect}
      me={user}
      signedOut={state.status === 'signed_out'}
      messageMax={max}
      onSignIn={() => setAsked(true)}
    />
  )
}

/** The person whose console is on screen. It stays there when the session is ended from outside, so that nothing written is lost. */
function useShownUser(state: ReturnType<Session['get']>): User | null {
  const [shown, setShown] = useState<User | null>(null)
  const next = state.status === 'signed_in' ? state.user : state.reason === 'left' ? null : shown
  if (next !== shown) setShown(next)
  return next
}

function useMessageMax(session: Session): number {
  const [max, setMax] = useState<number>(limits.message_chars_max)
  useEffect(() => {
    session.options().then(
      (options) => setMax(options.message_max),
      () => undefined, // The default stands until the server can be reached; it judges the length in any case.
    )
  }, [session])
  return max
}

interface SignedInProps extends AppProps {
  me: User
  signedOut: boolean
  messageMax: number
  onSignIn(): void
}

function SignedIn(props: SignedInProps) {
  const { connect, me } = props
  const [client, setClient] = useState<InboxClient | null>(null)
  useEffect(() => {
    const made = connect(me)
    setClient(made)
    return () => made.close()
  }, [connect, me])
  return client && <Console {...props} client={client} />
}
