/**
 * Every screen in every state, without a server: `?screen=chat&state=offline&theme=dark&lang=ar`.
 * For development, screenshots and accessibility checks; no part of the built pages. A screen is a file
 * `<name>.screen.tsx` that exports `states`.
 */
import { ErrorBoundary, loadParts, setLanguage, startLanguage, startTheme } from '@frontdesk/ui'
import type { ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { consoleWords } from '../../console/src/text'

export interface Screen {
  states: Record<string, () => ReactNode>
}

const screens = import.meta.glob<Screen>('./*.screen.tsx', { eager: true })
const nameOf = (path: string) => path.replace(/^\.\/|\.screen\.tsx$/g, '')

function Index() {
  const links = Object.entries(screens).flatMap(([path, { states }]) =>
    Object.keys(states).map((state) => [nameOf(path), state] as const),
  )
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
function show(screen: string | null, state: string | null): void {
  localStorage.clear()
  const render = screens[`./${screen}.screen.tsx`]?.states[state ?? '']
  root.render(<ErrorBoundary key={`${screen} ${state}`}>{render ? render() : <Index />}</ErrorBoundary>)
}
Object.assign(window, { show })

startTheme()
await startLanguage(consoleWords)
const lang = query.get('lang')
if (lang === 'de' || lang === 'ar' || lang === 'en') await setLanguage(lang)
if (query.has('theme')) document.documentElement.dataset.theme = query.get('theme') ?? ''
// A screen stands at once, whatever it shows.
await loadParts()
show(query.get('screen'), query.get('state'))
