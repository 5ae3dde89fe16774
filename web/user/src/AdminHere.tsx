/** An admin who signed in on the user's page is shown the right door. */
import type { Session, User } from '@frontdesk/sdk'
import { Brand, useSignOut, useText } from '@frontdesk/ui'

export function AdminHere({ session, user }: { session: Session; user: User }) {
  const { chat, common } = useText()
  const signOut = useSignOut(session, null, user)
  return (
    <main className="door">
      <section className="lc">
        <Brand size={40} />
        <h1 dir="auto">{chat.admin_here(user.name)}</h1>
        <p>{chat.admin_here_text}</p>
        <div className="acts">
          <a className="btn primary large" href="/console/">
            {chat.admin_open}
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
