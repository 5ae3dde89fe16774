/** Who is signed in decides the screen: login, the conversation, or the way to the console. */
import type { Client, Session, User } from '@frontdesk/sdk'
import { useSession } from '@frontdesk/sdk/react'
import { Announcer, LoginPage } from '@frontdesk/ui'
import { useEffect, useState } from 'react'
import { Chat } from './Chat'
import { AdminHere } from './later'
import './user.css'

export interface AppProps {
  session: Session
  connect: (user: User) => Client
}

export function App({ session, connect }: AppProps) {
  const state = useSession(session)
  const held = useClient(session, connect)
  const [signsInAgain, setSignsInAgain] = useState(false)
  const expired = state.status === 'signed_out' && state.reason === 'expired'

  useEffect(() => {
    if (state.status === 'signed_in') setSignsInAgain(false)
  }, [state.status])

  if (state.status === 'unknown') return null
  if (state.status === 'signed_in' && state.user.role === 'admin')
    return <AdminHere session={session} user={state.user} />
  // What was on the screen stays there when the session is ended from outside.
  const isShown = expired ? !signsInAgain : state.status === 'signed_in' && held?.isLive
  if (held && isShown) {
    return (
      <>
        <Announcer />
        <Chat
          key={held.user.id}
          session={session}
          client={held.client}
          user={held.user}
          signedOut={expired}
          onSignIn={() => setSignsInAgain(true)}
        />
      </>
    )
  }
  if (state.status === 'signed_in') return null
  return <LoginPage session={session} page="user" />
}

interface Held {
  client: Client
  user: User
  /** False once its session has ended: it shows what it knew. */
  isLive: boolean
}

/** One client for as long as one person is signed in. A closed one is kept, since its screen may still show. */
function useClient(session: Session, connect: AppProps['connect']): Held | null {
  const state = useSession(session)
  const user = state.status === 'signed_in' && state.user.role === 'user' ? state.user : null
  const [held, setHeld] = useState<Held | null>(null)
  // The id alone: a new name is no new person.
  useEffect(() => {
    if (!user) return
    const client = connect(user)
    setHeld({ client, user, isLive: true })
    return () => {
      client.close()
      setHeld({ client, user, isLive: false })
    }
  }, [user?.id, connect])
  return held
}
