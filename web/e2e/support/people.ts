/** People act, people see: the two pages as somebody uses them who knows only roles and names. */
import { expect, type Locator, type Page } from '@playwright/test'
import { console as words } from '../../console/src/messages/en'
import { chat, common } from '../../ui/src/messages/en'
import { type Account, password } from './cast'

type Tick = 'queued' | 'sending' | 'sent' | 'delivered' | 'read'

abstract class Person {
  constructor(
    readonly page: Page,
    readonly account: Account,
  ) {}

  abstract readonly path: string
  /** The field in which messages are written. */
  abstract readonly field: Locator
  /** What is there only for somebody who is signed in. */
  abstract readonly home: Locator

  get log(): Locator {
    return this.page.getByRole('log')
  }

  get phone(): boolean {
    return (this.page.viewportSize()?.width ?? 0) < 720
  }

  async open(): Promise<void> {
    await this.page.goto(this.path)
  }

  async fillSignIn(secret = password): Promise<void> {
    await this.page.getByLabel(common.phone).fill(this.account.phone)
    await this.page.getByLabel(common.password).fill(secret)
    await this.page.getByRole('button', { name: common.sign_in, exact: true }).click()
  }

  async signIn(): Promise<void> {
    await this.fillSignIn()
    await expect(this.home).toBeVisible()
  }

  async says(text: string): Promise<void> {
    await this.field.fill(text)
    await this.field.press('Enter')
    await expect(this.field).toHaveValue('')
  }

  message(text: string): Locator {
    return this.log.getByText(text, { exact: true })
  }

  /** It is there, once. */
  async sees(text: string): Promise<void> {
    await expect(this.message(text)).toBeVisible()
    await expect(this.message(text)).toHaveCount(1)
  }

  /** How far the own message has come; the mark stands at the end of its group. */
  async ticks(text: string, tick: Tick): Promise<void> {
    const group = this.log.getByRole('article').filter({ has: this.page.getByText(text, { exact: true }) })
    await expect(group.getByTitle(chat[`tick_${tick}`])).toBeVisible()
  }

  /** The texts in the order of the list, out of those that are asked for. */
  async order(texts: string[]): Promise<string[]> {
    const all = (await this.log.textContent()) ?? ''
    return texts.filter((text) => all.includes(text)).sort((a, b) => all.indexOf(a) - all.indexOf(b))
  }

  async seesTyping(name: string): Promise<void> {
    await expect(this.log.locator('.typing')).toBeVisible()
    await expect(this.page.getByText(chat.typing(name), { exact: true })).toBeAttached()
  }

  async seesNobodyTyping(): Promise<void> {
    await expect(this.log.locator('.typing')).toBeHidden()
  }

  get attachButton(): Locator {
    return this.page.getByRole('button', { name: chat.attach })
  }

  async chooses(files: Parameters<Locator['setInputFiles']>[0]): Promise<void> {
    const chooser = this.page.waitForEvent('filechooser')
    await this.attachButton.click()
    await (await chooser).setFiles(files as string)
  }

  get sendButton(): Locator {
    return this.page.getByRole('button', { name: chat.send, exact: true })
  }

  async seesSignIn(): Promise<void> {
    await expect(this.page.getByRole('button', { name: common.sign_in, exact: true })).toBeVisible()
  }
}

export class UserPage extends Person {
  readonly path = '/'

  get field(): Locator {
    return this.page.getByRole('textbox', { name: chat.field })
  }

  get home(): Locator {
    return this.field
  }

  async signsOut(choice: string = common.sign_out): Promise<void> {
    await this.page.getByRole('button', { name: common.more }).click()
    await this.page.getByRole('menuitem', { name: choice, exact: true }).click()
  }
}

export class AdminPage extends Person {
  readonly path: string = '/console/'

  get field(): Locator {
    return this.page.getByRole('textbox', { name: /^Reply to / })
  }

  get home(): Locator {
    return this.page.getByRole('heading', { name: words.inbox })
  }

  get list(): Locator {
    return this.page.getByRole('list', { name: words.rooms })
  }

  row(account: Pick<Account, 'name'>): Locator {
    return this.list.getByRole('listitem').filter({ hasText: account.name })
  }

  /** The open room, with all that belongs to it. */
  room(account: Pick<Account, 'name'>): Locator {
    return this.page.getByRole('region', { name: account.name })
  }

  async opens(account: Pick<Account, 'name'>): Promise<void> {
    await this.row(account).getByRole('link').click()
    await expect(this.field).toBeVisible()
  }

  /** On a phone the list and a room are two screens. */
  async toList(): Promise<void> {
    if (this.phone) await this.page.getByRole('button', { name: words.back_to_inbox }).click()
  }

  /** Sends each reply, also one that does not know what the user wrote meanwhile. */
  async insists(): Promise<void> {
    const anyway = this.page.getByRole('alert').getByRole('button', { name: chat.send_anyway })
    await this.page.addLocatorHandler(anyway, () => anyway.click(), { noWaitAfter: true })
  }

  filter(show: keyof typeof words.filters): Locator {
    return this.page.getByRole('group', { name: words.filter }).getByRole('button', { name: words.filters[show] })
  }

  get search(): Locator {
    return this.page.getByRole('textbox', { name: words.search })
  }

  async signsOut(choice: string = common.sign_out): Promise<void> {
    if (this.phone) await this.page.getByRole('button', { name: common.you, exact: true }).click()
    else await this.page.getByRole('button', { name: words.account(this.account.name) }).click()
    await this.page.getByRole('button', { name: choice, exact: true }).click()
  }
}
