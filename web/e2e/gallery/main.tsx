/**
 * Every screen in every state, without a server: `?screen=chat&state=offline&theme=dark&lang=ar`.
 * For development, screenshots and accessibility checks; no part of the built pages. A screen is a file
 * `<name>.screen.tsx` that exports `states`.
 */
import { ErrorBoundary, setLanguage, startLanguage, startTheme } from '@frontdesk/ui'
import type { ReactNode } from 'react'
import { createRoot } from 'react-dom/client'

export interface Screen {
  states: Record<string, () => ReactNode>
}

const screens = import.meta.glob<Screen>('./*.screen.tsx')
const nameOf = (path: string) => path.replace(/^\.\/|\.screen\.tsx$/g, '')

async function Index() {
  const links: [string, string][] = []
  for (const [path, load] of Object.entries(screens)) {
    for (const state of Object.keys((await load()).states)) links.push([nameOf(path), state])
  }
  return (
    <ul>
      {links.map(([screen, state]) => (
        <li key={screen + state}>
          <a href={`?screen=${screen}&state=${state}`}>{`${screen} ${state}`}</a>
        </li>
      ))}
    </ul>
  )
}

const query = new URLSearchParams(location.search)
const root = createRoot(document.getElementById('root') as HTMLElement)

/** Also called by the tests, which look at one state after the other without loading the page again. */
async function show(screen: string | null, state: string | null): Promise<void> {
  localStorage.clear()
  const load = screens[`./${screen}.screen.tsx`]
  const render = (await load?.())?.states[state ?? '']
  root.render(<ErrorBoundary key={`${screen} ${state}`}>{render ? render() : await Index()}</ErrorBoundary>)
}
Object.assign(window, { show })

startTheme()
await startLanguage()
const lang = query.get('lang')
if (lang === 'de' || lang === 'ar' || lang === 'en') await setLanguage(lang)
if (query.has('theme')) document.documentElement.dataset.theme = query.get('theme') ?? ''
await show(query.get('screen'), query.get('state'))
