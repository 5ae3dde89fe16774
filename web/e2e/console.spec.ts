/** The console: finding rooms, settling them, by hand and by keyboard, with few rooms and with ten thousand. */
import { console as words } from '../console/src/messages/en'
import { type Account, ada, conversation, grace, ines, linus, person } from './support/cast'
import { everybody, expect, test } from './support/test'

const marie: Account = { id: 5, name: 'Marie Dubois', phone: '+33612345678', role: 'user' }
const omar: Account = { id: 6, name: 'Omar Haddad', phone: '+971501234567', role: 'user' }

/** Omar wrote last, then Marie, Linus and Grace; Grace's was answered, the others wait. */
const rooms = [
  ...conversation(
    1,
    grace,
    [
      [grace, 'Grace asks'],
      [ada, 'Ada answers'],
    ],
    40,
  ),
  ...conversation(2, linus, [[linus, 'Linus asks']], 30),
  ...conversation(
    3,
    marie,
    [
      [marie, 'Marie asks'],
      [marie, 'Marie asks again'],
    ],
    20,
  ),
  ...conversation(4, omar, [[omar, 'Omar asks']], 10),
]

test.describe('the list of rooms', { tag: '@phone' }, () => {
  test.use({ world: { records: [...everybody, person(marie), person(omar), ...rooms] } })

  test('has all rooms, the newest activity first, with what is unread', async ({ admin }) => {
    const adas = await admin()
    const links = adas.list.getByRole('link')
    await expect(links).toHaveCount(4)
    await expect(links.nth(0)).toHaveAccessibleName(/^Omar Haddad, 1 unread, last: Omar asks$/)
    await expect(links.nth(1)).toHaveAccessibleName(/^Marie Dubois, 2 unread, last: Marie asks again$/)
    await expect(links.nth(2)).toHaveAccessibleName(/^Linus Vik, 1 unread/)
    await expect(links.nth(3)).toHaveAccessibleName(/^Grace Okafor, 1 unread, last: Ada answers$/)
  })

  test('is searched by name and by phone number', async ({ admin }) => {
    const adas = await admin()
    await adas.search.fill('mari')
    await expect(adas.list.getByRole('link')).toHaveCount(1)
    await expect(adas.row(marie)).toBeVisible()
    await adas.search.fill('97150')
    await expect(adas.row(omar)).toBeVisible()
    await expect(adas.row(marie)).toBeHidden()
    await adas.search.fill('nobody at all')
    await expect(adas.page.getByText(words.no_match('nobody at all'))).toBeVisible()
    await adas.page.getByRole('status').getByRole('button', { name: words.clear_search }).click()
    await expect(adas.list.getByRole('link')).toHaveCount(4)
  })

  test('is filtered, and a room is resolved and opened again', async ({ admin, user }) => {
    const [adas, maries] = [await admin(), await user(marie)]
    await adas.opens(marie)
    await adas.room(marie).getByRole('button', { name: words.resolve, exact: true }).click()
    await expect(adas.log.getByText(/^Ada Brandt resolved the room/)).toBeVisible()
    await expect(maries.log.getByText(/^The conversation was resolved/)).toBeVisible()
    await adas.toList()
    await adas.filter('resolved').click()
    await expect(adas.filter('resolved')).toHaveAttribute('aria-pressed', 'true')
    await expect(adas.list.getByRole('link')).toHaveCount(1)
    await expect(adas.row(marie)).toBeVisible()
    await adas.filter('unread').click()
    await expect(adas.row(omar)).toBeVisible()
    await expect(adas.row(marie)).toBeHidden()

    await maries.says('It broke again')
    await adas.filter('open').click()
    await expect(adas.row(marie)).toContainText('It broke again')
    await adas.filter('resolved').click()
    await expect(adas.page.getByText(words.no_resolved, { exact: true })).toBeVisible()
    await adas.filter('all').click()
    await expect(adas.list.getByRole('link').first()).toHaveAccessibleName(/^Marie Dubois/)
  })
})

test.describe('at a desk', () => {
  test.use({ world: { records: [...everybody, person(marie), person(omar), ...rooms], complaints: [/status of 404/] } })

  test('everything is reached by keyboard', async ({ admin }) => {
    const adas = await admin()
    const { page } = adas
    const { keyboard } = page
    await expect(adas.list.getByRole('link')).toHaveCount(4)

    await keyboard.press('Alt+j')
    await expect(page).toHaveURL(/#\/rooms\/4$/)
    await expect(adas.field).toBeFocused()
    await keyboard.press('Alt+j')
    await expect(page).toHaveURL(/#\/rooms\/3$/)
    await adas.sees('Marie asks again')
    await keyboard.press('Alt+k')
    await expect(page).toHaveURL(/#\/rooms\/4$/)

    await keyboard.press('Alt+e')
    await expect(adas.log.getByText(/resolved the room/)).toBeVisible()
    await keyboard.press('Alt+e')
    await expect(adas.log.getByText(/reopened the room/)).toBeVisible()

    await keyboard.type('/?jk')
    await expect(adas.field).toHaveValue('/?jk')
    await adas.field.fill('')
    await keyboard.press('Escape')
    await keyboard.press('?')
    const sheet = page.getByRole('dialog', { name: words.keyboard })
    await expect(sheet).toBeVisible()
    await keyboard.press('Escape')
    await expect(sheet).toBeHidden()

    await keyboard.press('j')
    await expect(page).toHaveURL(/#\/rooms\/3$/)
    await keyboard.press('Escape')
    await keyboard.press('/')
    await expect(adas.search).toBeFocused()
    await keyboard.type('linus')
    await expect(adas.list.getByRole('link')).toHaveCount(1)
    await keyboard.press('ArrowDown')
    await keyboard.press('Enter')
    await expect(page).toHaveURL(/#\/rooms\/2$/)
    await adas.sees('Linus asks')
  })

  test('the address leads back to a room, and the back button to the one before', async ({ admin }) => {
    const adas = await admin()
    await adas.opens(linus)
    await adas.sees('Linus asks')
    await adas.opens(marie)
    await adas.sees('Marie asks')
    await adas.page.reload()
    await adas.sees('Marie asks')
    await adas.page.goBack()
    await adas.sees('Linus asks')
    await adas.page.goto('/console/#/rooms/987654')
    await expect(adas.page.getByText(words.room_gone)).toBeVisible()
  })

  test('the title counts unread rooms, for all admins alike', async ({ admin, user }) => {
    const [adas, iness] = [await admin(), await admin(ines)]
    await expect(adas.page).toHaveTitle(/^\(4\) Inbox/)
    await adas.opens(marie)
    await adas.sees('Marie asks again')
    await expect(adas.page).toHaveTitle(/^\(3\) Inbox/)
    await expect(iness.page).toHaveTitle(/^\(3\) Inbox/)
    await adas.opens(linus)
    await expect(iness.page).toHaveTitle(/^\(2\) Inbox/)
    const maries = await user(marie)
    await maries.says('One more thing')
    await expect(adas.page).toHaveTitle(/^\(3\) Inbox/)
    await expect(iness.page).toHaveTitle(/^\(3\) Inbox/)
  })

  test('an admin sees that another one is in the room', async ({ admin }) => {
    const [adas, iness] = [await admin(), await admin(ines)]
    await adas.opens(marie)
    await iness.opens(marie)
    await expect(adas.page.getByText(/(Ines Moreau|Another admin) is here/)).toBeVisible()
    await iness.says('I take this one')
    await adas.sees('I take this one')
    await expect(adas.page.getByText(words.is_here(ines.name))).toBeVisible()
  })

  test('rows do not move under the pointer', async ({ admin, user }) => {
    const adas = await admin()
    const graces = await user()
    await adas.row(omar).hover()
    await graces.says('Do not jump')
    await expect(adas.page.getByRole('button', { name: words.held(1) })).toBeVisible()
    await expect(adas.list.getByRole('link').first()).toHaveAccessibleName(/^Omar/)
    await adas.page.getByRole('heading', { name: words.inbox }).hover()
    await expect(adas.list.getByRole('link').first()).toHaveAccessibleName(/^Grace/)
  })
})

test.describe('ten thousand rooms', () => {
  const count = 10_000
  const crowd = Array.from({ length: count }, (_, index): Account => {
    const number = String(index + 1).padStart(5, '0')
    return { id: 100 + index, name: `Person ${number}`, phone: `+1555${number}`, role: 'user' }
  })
  const conversations = crowd.map((each, index) =>
    conversation(each.id, each, [[each, `Question ${index + 1}`]], count - index),
  )
  const records = () => [
    ...everybody,
    ...crowd.map(({ id, name, phone, role }) => ({ type: 'user', id, name, phone, role })),
    // As an export has them: all rooms, then all messages.
    ...conversations.map(([room]) => room as object),
    ...conversations.flatMap(([, ...messages]) => messages),
  ]
  test.use({ world: { records: records() } })

  test('scroll without a gap and without thousands of rows', async ({ admin }) => {
    test.setTimeout(120_000)
    const adas = await admin()
    await expect(adas.row({ name: 'Person 10000' })).toBeVisible()
    await expect(adas.filter('all')).toContainText('10K')
    const scroller = adas.page.locator('.rows')
    await scroller.hover()
    for (let turn = 0; turn < 40; turn++) await adas.page.mouse.wheel(0, 1500)
    await expect.poll(() => scroller.evaluate((each) => each.scrollTop)).toBeGreaterThan(20_000)
    await expect(adas.list.getByRole('link').first()).toBeVisible()
    expect(await adas.list.getByRole('listitem').count()).toBeLessThan(80)

    const [last] = await adas.list
      .getByRole('listitem')
      .all()
      .then((all) => all.slice(-1))
    const name = (await last?.getByRole('link').getAttribute('href')) ?? ''
    await last?.getByRole('link').click()
    await expect(adas.page).toHaveURL(new RegExp(`${name}$`))
    await expect(adas.log.getByText(/^Question \d+$/)).toBeVisible()

    await adas.search.fill('Person 00042')
    await expect(adas.list.getByRole('link')).toHaveCount(1)
    await adas.opens({ name: 'Person 00042' })
    await adas.sees('Question 42')
  })
})
