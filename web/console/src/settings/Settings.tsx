/** What each admin chooses for this browser: looks, language, sound, keys. */
import { type Language, languages, setLanguage, setTheme, type Theme, useSpeech, useTheme } from '@frontdesk/ui'
import { type ReactNode, useId } from 'react'
import { useLetters } from '../keyboard/useShortcuts'
import { useStored } from '../layout/useStored'
import { useSound } from '../notify/useNotify'
import { keyNames, useConsoleText } from '../text'
import './settings.css'

export type SendKey = 'enter' | 'mod_enter'
export const useSendKey = () => useStored<SendKey>('send_key', 'enter')

export function Settings({ touch }: { touch: boolean }) {
  return (
    <div className="settings">
      <ThemeChoice />
      <LanguageChoice />
      <SoundSwitch />
      {!touch && <SendKeyChoice />}
      {!touch && <LettersSwitch />}
    </div>
  )
}

function ThemeChoice() {
  const { common } = useSpeech().text
  const theme = useTheme()
  const options: [Theme, string][] = [
    ['system', common.theme_system],
    ['light', common.theme_light],
    ['dark', common.theme_dark],
  ]
  return <Choice legend={common.theme} options={options} value={theme} onChange={setTheme} />
}

function LanguageChoice() {
  const { language, text } = useSpeech()
  const id = useId()
  return (
    <div className="setting">
      <label htmlFor={id}>{text.common.language}</label>
      <select id={id} value={language} onChange={(event) => void setLanguage(event.target.value as Language)}>
        {Object.entries(languages).map(([code, name]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
    </div>
  )
}

function SoundSwitch() {
  const text = useConsoleText()
  const [on, setOn] = useSound()
  return <Switch name={text.sound} hint={text.sound_text} on={on} onChange={setOn} />
}

function LettersSwitch() {
  const text = useConsoleText()
  const [on, setOn] = useLetters()
  return <Switch name={text.letters} hint={text.letters_text} on={on} onChange={setOn} />
}

function SendKeyChoice() {
  const text = useConsoleText()
  const [key, setKey] = useSendKey()
  const options: [SendKey, string][] = [
    ['enter', text.send_enter],
    ['mod_enter', text.send_mod_enter(keyNames.mod)],
  ]
  return <Choice legend={text.send_with} options={options} value={key} onChange={setKey} />
}

interface ChoiceProps<T extends string> {
  legend: string
  options: [T, string][]
  value: T
  onChange(value: T): void
}

function Choice<T extends string>({ legend, options, value, onChange }: ChoiceProps<T>) {
  const name = useId()
  return (
    <fieldset className="setting">
      <legend>{legend}</legend>
      <div className="seg">
        {options.map(([option, words]) => (
          <label key={option}>
            <input type="radio" name={name} checked={option === value} onChange={() => onChange(option)} />
            {words}
          </label>
        ))}
      </div>
    </fieldset>
  )
}

interface SwitchProps {
  name: string
  hint: ReactNode
  on: boolean
  onChange(on: boolean): void
}

function Switch({ name, hint, on, onChange }: SwitchProps) {
  const id = useId()
  return (
    <div className="setting switch-row">
      <div>
        <label htmlFor={id}>{name}</label>
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      </div>
      <input
        id={id}
        className="switch"
        type="checkbox"
        role="switch"
        checked={on}
        aria-checked={on}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onChange(event.target.checked)}
      />
    </div>
  )
}
