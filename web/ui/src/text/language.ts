/** Which language the page speaks: a kept choice, else the browser's; English is built in, the others load when needed. */
import { useSyncExternalStore } from 'react'
import * as english from '../messages/en'

export type Messages = { [Part in keyof typeof english]: (typeof english)[Part] }
export type Language = 'en' | 'de' | 'ar'

/** Each in its own words. */
export const languages: Record<Language, string> = { en: 'English', de: 'Deutsch', ar: 'العربية' }

const storageKey = 'frontdesk.language'
const loaders: Record<Language, () => Promise<Messages>> = {
  en: () => Promise.resolve(english),
  de: () => import('../messages/de'),
  ar: () => import('../messages/ar'),
}

export interface Speech {
  language: Language
  /** The page's direction of reading. */
  dir: 'ltr' | 'rtl'
  text: Messages
}

let current: Speech = { language: 'en', dir: 'ltr', text: english }
const listeners = new Set<() => void>()

const known = (code: string | null | undefined): code is Language => code != null && Object.hasOwn(languages, code)

function preferred(): Language {
  const kept = storage()?.getItem(storageKey)
  if (known(kept)) return kept
  for (const tag of navigator.languages) {
    const base = tag.split('-')[0]
    if (known(base)) return base
  }
  return 'en'
}

/** Storage can be forbidden by the browser; the choice then lives as long as the page. */
function storage(): Storage | null {
  try {
    return localStorage
  } catch {
    return null
  }
}

/** Loads a page's own words, and gives what puts them into use. */
export type OwnWords = (language: Language) => Promise<() => void>
let loadOwn: OwnWords = async () => () => {}

async function speak(language: Language): Promise<void> {
  const [text, useOwn] = await Promise.all([loaders[language](), loadOwn(language)])
  useOwn()
  current = { language, dir: language === 'ar' ? 'rtl' : 'ltr', text }
  document.documentElement.lang = language
  document.documentElement.dir = current.dir
  for (const listener of listeners) listener()
}

/** Before the first render, so that no text changes under the reader. A language that cannot be loaded leaves English. */
export async function startLanguage(own: OwnWords = loadOwn): Promise<void> {
  loadOwn = own
  await speak(preferred()).catch(() => speak('en'))
  addEventListener('storage', (event) => {
    if (event.key === storageKey) void speak(preferred())
  })
}

export async function setLanguage(language: Language): Promise<void> {
  await speak(language)
  storage()?.setItem(storageKey, language)
}

export const speech = (): Speech => current

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Language, direction and texts, kept current. */
export const useSpeech = (): Speech => useSyncExternalStore(subscribe, speech)
/** The texts alone. */
export const useText = (): Messages => useSpeech().text
