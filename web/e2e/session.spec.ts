/** Signing in and out: in all tabs, on all devices, on both pages side by side, over a reload. */
import { console as words } from '../console/src/messages/en'
import { chat, common } from '../ui/src/messages/en'
import { ada, conversation, grace, linus } from './support/cast'
import { AdminPage, UserPage } from './support/people'
import { everybody, expect, test } from './support/test'

const records = [
  ...everybody,
  ...conversation(7, grace, [
    [grace, 'Hello'],
    [ada, 'Hello Grace'],
  ]),
]

test.describe('signing in', { tag: '@phone' }, () => {
  test.use({ world: { records, complaints: [/status of 401/] } })

  test('a wrong password is said, and the right one is taken', async ({ profile }) => {
    const graces = new UserPage(await (await profile()).newPage(), grace)
    await graces.open()
    await graces.fillSignIn('not it')
    await expect(graces.page.getByRole('alert')).toHaveText(common.login_wrong)
    await graces.fillSignIn()
    await graces.sees('Hello Grace')
  })

  test('a reload keeps the session on both pages', async ({ user, admin }) => {
    const [graces, adas] = [await user(), await admin()]
    await adas.opens(grace)
    for (const person of [graces, adas]) {
      await person.page.reload()
      await person.sees('Hello Grace')
    }
  })

  test('signing out is for good', async ({ user, admin }) => {
    const graces = await user()
    await graces.signsOut()
    await graces.seesSignIn()
    await graces.page.reload()
    await graces.seesSignIn()
    await expect(graces.page.getByText('Hello Grace')).toHaveCount(0)
    const adas = await admin()
    await adas.signsOut()
    await adas.seesSignIn()
  })
})

test.describe('sessions', () => {
  test.use({ world: { records, complaints: [/status of 40[13]/, /WebSocket/] } })

  test('signing out ends all tabs of the page', async ({ user }) => {
    const first = await user()
    const second = new UserPage(await first.page.context().newPage(), grace)
    await second.open()
    await second.sees('Hello Grace')
    await first.signsOut()
    await first.seesSignIn()
    await second.seesSignIn()
  })

  test('signing out on all devices ends the others too', async ({ user }) => {
    const [here, there] = [await user(), await user()]
    await there.sees('Hello Grace')
    await here.signsOut(common.sign_out_all)
    await here.seesSignIn()
    await expect(there.page.getByText(common.banner_signed_out)).toBeVisible()
    await there.page.getByRole('button', { name: common.sign_in }).click()
    await there.fillSignIn()
    await there.sees('Hello Grace')
  })

  test('both pages work side by side in one browser, and leave one by one', async ({ user, admin }) => {
    const graces = await user()
    const adas = await admin(ada, graces.page.context())
    await adas.opens(grace)
    await adas.says('From the next tab')
    await graces.sees('From the next tab')
    await graces.says('I see you')
    await adas.sees('I see you')
    await adas.signsOut()
    await adas.seesSignIn()
    await graces.says('Still here')
    await graces.ticks('Still here', 'sent')
    await graces.page.reload()
    await graces.sees('Still here')
  })

  test('signing in as somebody else shows nothing of the one before', async ({ user }) => {
    const graces = await user()
    await graces.sees('Hello Grace')
    await graces.field.fill('A draft of Grace')
    await graces.signsOut()
    await graces.page.getByRole('dialog').getByRole('button', { name: common.sign_out }).click()
    await graces.seesSignIn()
    const linuss = new UserPage(graces.page, linus)
    await linuss.signIn()
    await expect(linuss.page.getByText(chat.hello('Linus'))).toBeVisible()
    await expect(linuss.field).toHaveValue('')
    await expect(linuss.page.getByText('Hello Grace')).toHaveCount(0)
  })

  test('each page shows the wrong person the right door', async ({ profile }) => {
    const page = await (await profile()).newPage()
    const astray = new UserPage(page, ada)
    await astray.open()
    await astray.fillSignIn()
    await expect(page.getByText(chat.admin_here(ada.name))).toBeVisible()
    await page.getByRole('link', { name: chat.admin_open }).click()
    await expect(page).toHaveURL(/\/console\/$/)
    const lost = new AdminPage(page, grace)
    await lost.fillSignIn()
    await expect(page.getByText(words.user_here(grace.name))).toBeVisible()
    await expect(page.getByRole('link', { name: words.user_open })).toHaveAttribute('href', '/')
  })

  test('a disabled account is put out within seconds', async ({ user, server }) => {
    const graces = await user()
    await graces.sees('Hello Grace')
    server.command(['user', 'disable', '--phone', grace.phone])
    await expect(graces.page.getByText(common.banner_signed_out)).toBeVisible()
  })
})

test.describe('a server without accounts', () => {
  test('says which command makes the first, and then lets it in', async ({ profile, server }) => {
    const page = await (await profile()).newPage()
    await page.goto('/')
    await expect(page.getByRole('heading', { name: common.first_title })).toBeVisible()
    await expect(page.getByText('frontdesk user add')).toBeVisible()
    server.command(['user', 'add', '--phone', '9999999999', '--name', 'Ada', '--admin'], 'a long password\n')
    await page.getByRole('button', { name: common.first_check }).click()
    await expect(page.getByLabel(common.phone)).toBeVisible()
    await page.goto('/console/')
    await page.getByLabel(common.phone).fill('9999999999')
    await page.getByLabel(common.password).fill('a long password')
    await page.getByRole('button', { name: common.sign_in, exact: true }).click()
    await expect(page.getByRole('heading', { name: words.inbox })).toBeVisible()
    await expect(page.getByText(words.no_rooms, { exact: true })).toBeVisible()
  })
})

test.describe('the demo', { tag: '@phone' }, () => {
  // It is SQLite's.
  test.use({ world: { settings: ['--demo'] }, nodes: 1 })

  test('lets users and admins in with one click', async ({ profile, server }) => {
    const { demo } = await (await fetch(`${server.address}/api/options/`)).json()
    const users = demo.filter((account: { role: string }) => account.role === 'user')
    expect(users.length).toBeGreaterThanOrEqual(6)
    const context = await profile()
    const page = await context.newPage()
    await page.goto('/')
    await page.getByRole('button', { name: users[0].name }).click()
    await expect(page.getByRole('textbox', { name: chat.field })).toBeVisible()
    await expect(page.getByRole('log').getByRole('article').first()).toBeVisible()

    const console = await context.newPage()
    await console.goto('/console/')
    await console.getByRole('button', { name: /9999999999/ }).click()
    await expect(console.getByRole('list', { name: words.rooms }).getByRole('listitem').first()).toBeVisible()
    await expect(console.getByRole('list', { name: words.rooms })).toContainText(users[0].name)
  })
})
