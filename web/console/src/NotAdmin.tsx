/** A user who signed in at the console: told so, and shown the page that is theirs. */
import type { Session, User } from '@frontdesk/sdk'
import { Brand, useSignOut, useText } from '@frontdesk/ui'
import './layout/layout.css'
import { useConsoleText } from './text'

export function NotAdmin({ user, session }: { user: User; session: Session }) {
  const text = useConsoleText()
  const { common } = useText()
  const signOut = useSignOut(session, null, user)
  return (
    <main className="door">
      <section className="lc">
        <Brand size={40} />
        <h1 dir="auto">{text.user_here(user.name)}</h1>
        <p>{text.user_here_text}</p>
        <div className="door-ways">
          <a className="btn primary large" href="/">
            {text.user_open}
          </a>
          <button type="button" className="btn large" onClick={() => signOut.leave()}>
            {common.sign_out}
          </button>
        </div>
      </section>
      {signOut.dialog}
    </main>
  )
}
