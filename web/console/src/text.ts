/** The console's own words and number formats in the language of the page. */
import { type OwnWords, useSpeech } from '@frontdesk/ui'
import { useMemo } from 'react'
import { console as english } from './messages/en'

export type ConsoleText = typeof english

let words: ConsoleText = english

const loaders = {
  en: async () => english,
  de: () => import('./messages/de').then((loaded) => loaded.console),
  ar: () => import('./messages/ar').then((loaded) => loaded.console),
}

/** For `startLanguage`: the console's words change together with the shared ones. */
export const consoleWords: OwnWords = async (language) => {
  const next = await loaders[language]()
  return () => {
    words = next
  }
}

export function useConsoleText(): ConsoleText {
  useSpeech()
  return words
}

/** Counts as people of that language write them; "12K" where there is no room for more. */
export function useNumber(notation: 'standard' | 'compact' = 'standard'): (value: number) => string {
  const { language } = useSpeech()
  return useMemo(() => {
    const format = new Intl.NumberFormat(language, { notation })
    return (value: number) => format.format(value)
  }, [language, notation])
}

const apple = /Mac|iPhone|iPad/.test(navigator.platform)

/** The keys as they are printed on this machine's keyboard. */
export const keyNames = {
  alt: apple ? '⌥' : 'Alt',
  mod: apple ? '⌘' : 'Ctrl',
  shift: apple ? '⇧' : 'Shift',
  enter: '↵',
  esc: 'Esc',
} as const
