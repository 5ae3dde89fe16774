/** Language and appearance as entries of a menu. */
import type { MenuLine } from '../overlay/Menu'
import { type Language, languages, type Speech, setLanguage } from '../text/language'
import { setTheme, type Theme } from '../theme'

export function preferenceEntries({ language, text }: Speech, theme: Theme): MenuLine[] {
  return [
    { kind: 'caption', label: text.common.theme },
    ...(['system', 'light', 'dark'] as const).map(
      (each): MenuLine => ({
        kind: 'choice',
        label: text.common[`theme_${each}`],
        checked: theme === each,
        onSelect: () => setTheme(each),
      }),
    ),
    { kind: 'line' },
    { kind: 'caption', label: text.common.language },
    ...(Object.keys(languages) as Language[]).map(
      (each): MenuLine => ({
        kind: 'choice',
        label: languages[each],
        lang: each,
        checked: language === each,
        onSelect: () => void setLanguage(each),
      }),
    ),
  ]
}
