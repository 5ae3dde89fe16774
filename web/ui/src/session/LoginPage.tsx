/** Signing in, on both pages. In a demo its accounts are buttons; a server without accounts says how to make one. */
import type { ApiError, DemoAccount, Options, Session } from '@frontdesk/sdk'
import { type FormEvent, type ReactNode, useEffect, useState } from 'react'
import { Avatar } from '../Avatar'
import { Brand, Dome } from '../brand/Mark'
import { Icon } from '../Icon'
import { Menu, type MenuEntry } from '../overlay/Menu'
import '../seldomIcons'
import type { Messages } from '../text/language'
import { useText } from '../text/language'

export interface LoginPageProps {
  session: Pick<Session, 'login' | 'options'>
  /** Which accounts of a demo belong here. */
  page: 'user' | 'console'
}

const preferences: MenuEntry[] = [{ kind: 'preferences' }]

/** In parts, so that a line breaks between them and not inside an option. */
const firstAdmin = ['frontdesk user add', '--phone PHONE', '--name NAME', '--admin']

export function LoginPage({ session, page }: LoginPageProps) {
  const { common } = useText()
  const { options, reload } = useOptions(session)
  const login = useLogin(session)
  const role = page === 'user' ? 'user' : 'admin'
  const demo = options?.demo?.filter((account) => account.role === role) ?? []
  const isFirstRun = options !== null && !options.has_accounts && !options.demo
  return (
    <main className="login scroll">
      <div className="floorw" aria-hidden="true">
        <Dome />
        <div className="floor" />
      </div>
      <div className="prefs">
        <Menu icon="globe" label={`${common.language}, ${common.theme}`} entries={preferences} />
      </div>
      <section className="lc">
        <Brand size={40} />
        {isFirstRun ? (
          <FirstRun onCheck={reload} />
        ) : (
          <>
            <h1>{common.sign_in}</h1>
            <Form login={login} />
            {demo.length > 0 && (
              <>
                <div className="or">
                  <span>{common.demo_or}</span>
                </div>
                <ul className="accts">
                  {demo.map((account, index) => (
                    <Account key={account.phone} account={account} tint={index} login={login} />
                  ))}
                </ul>
              </>
            )}
          </>
        )}
      </section>
      {demo.length > 0 && <p className="hint foot-l">{common.demo_note}</p>}
    </main>
  )
}

function useOptions(session: Pick<Session, 'options'>) {
  const [options, setOptions] = useState<Options | null>(null)
  const [attempt, setAttempt] = useState(0)
  const reload = () => setAttempt((count) => count + 1)
  // `attempt` is a dependency so that a new one runs the effect again.
  useEffect(() => {
    let current = true
    // Without an answer the form stands alone; signing in will say what is wrong.
    session.options().then(
      (answer) => current && setOptions(answer),
      () => {},
    )
    addEventListener('online', reload)
    return () => {
      current = false
      removeEventListener('online', reload)
    }
  }, [session, attempt])
  return { options, reload }
}

interface Login {
  busy: boolean
  problem: ((common: Messages['common']) => string) | null
  submit(phone: string, password: string): void
  refuse(problem: Login['problem']): void
}

function useLogin(session: Pick<Session, 'login'>): Login {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Login['problem']>(null)
  const refuse = (next: Login['problem']) => setProblem(() => next)
  const submit = (phone: string, password: string) => {
    setBusy(true)
    refuse(null)
    session
      .login(phone, password)
      .catch((error: ApiError) => refuse(problemOf(error)))
      .finally(() => setBusy(false))
  }
  return { busy, problem, submit, refuse }
}

function problemOf(error: ApiError): NonNullable<Login['problem']> {
  if (error.status === 401) return (common) => common.login_wrong
  if (error.status === 429) {
    const seconds = Math.max(1, Math.ceil((error.retry_after_ms ?? 60_000) / 1000))
    return (common) => common.login_limited(seconds)
  }
  if (error.code === 'network') return (common) => common.login_unreachable
  return (common) => common.login_failed
}

function Form({ login }: { login: Login }) {
  const { common } = useText()
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    const phone = String(data.get('phone')).trim()
    const password = String(data.get('password'))
    if (!phone) return login.refuse((words) => words.login_no_phone)
    if (!password) return login.refuse((words) => words.login_no_password)
    if (!login.busy) login.submit(phone, password)
  }
  const problem = login.problem?.(common)
  const field = `field large${problem ? ' is-bad' : ''}`
  return (
    <form onSubmit={onSubmit} noValidate>
      <Labelled words={common.phone}>
        <span className={field}>
          <input
            name="phone"
            inputMode="tel"
            autoComplete="username"
            dir="ltr"
            maxLength={32}
            aria-invalid={!!problem}
          />
        </span>
      </Labelled>
      <Labelled words={common.password}>
        <span className={field}>
          <input name="password" type="password" autoComplete="current-password" dir="ltr" aria-invalid={!!problem} />
        </span>
      </Labelled>
      {problem && (
        <p className="hint bad" role="alert">
          <Icon name="alert" size={16} />
          {problem}
        </p>
      )}
      <button type="submit" className="btn primary large" aria-disabled={login.busy || undefined}>
        {login.busy ? common.signing_in : common.sign_in}
      </button>
    </form>
  )
}

function Labelled({ words, children }: { words: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children
    <label>
      <span className="label">{words}</span>
      {children}
    </label>
  )
}

/** The account's id is not known before it signs in, so its place in the list gives the tint. */
function Account({ account, tint, login }: { account: DemoAccount; tint: number; login: Login }) {
  const { common } = useText()
  return (
    <li>
      <button type="button" className="acct" onClick={() => login.submit(account.phone, account.password)}>
        <Avatar id={tint} name={account.name} size={36} />
        <span className="grow">
          <b className="clip" dir="auto">
            {account.name}
          </b>
          <span className="hint num" dir="ltr">
            {account.phone} · {account.password}
          </span>
        </span>
        <span className="tag">{account.role === 'admin' ? common.admin : common.user}</span>
      </button>
    </li>
  )
}

function FirstRun({ onCheck }: { onCheck: () => void }) {
  const { common } = useText()
  return (
    <div className="first">
      <h1>{common.first_title}</h1>
      <p>{common.first_text}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways */}
      <pre dir="ltr" tabIndex={0}>
        {firstAdmin.map((part) => (
          <span key={part}>{part} </span>
        ))}
      </pre>
      <button type="button" className="btn primary large" onClick={onCheck}>
        {common.first_check}
      </button>
    </div>
  )
}
