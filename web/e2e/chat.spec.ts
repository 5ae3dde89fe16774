/** What support chat is for: a user and an admin, both ways, live, on a desktop and on a phone. */
import { console as words } from '../console/src/messages/en'
import { chat, common } from '../ui/src/messages/en'
import { type Account, ada, conversation, grace } from './support/cast'
import { AdminPage, UserPage } from './support/people'
import { everybody, expect, test } from './support/test'

test.describe('a user and an admin', { tag: '@phone' }, () => {
  test.use({ world: { records: everybody } })

  test('what a user sends, the admin sees', async ({ user, admin }) => {
    const adas = await admin()
    const graces = await user()
    await graces.says('Hello, my parcel has not come')
    await graces.sees('Hello, my parcel has not come')
    const row = adas.row(grace)
    await expect(row).toContainText('Hello, my parcel has not come')
    await expect(row.getByRole('link')).toHaveAccessibleName(
      words.row_name({ name: grace.name, unread: 1, online: true, last: 'Hello, my parcel has not come' }),
    )
    await adas.opens(grace)
    await adas.sees('Hello, my parcel has not come')
    await graces.says('It was due on Monday')
    await adas.sees('It was due on Monday')
    await adas.toList()
    await expect(row.getByRole('link')).toHaveAccessibleName(
      words.row_name({ name: grace.name, unread: 0, online: true, last: 'It was due on Monday' }),
    )
  })

  test('what an admin answers, the user sees', async ({ user, admin }) => {
    const graces = await user()
    await graces.says('Is anybody there?')
    await graces.ticks('Is anybody there?', 'sent')
    const adas = await admin()
    await adas.opens(grace)
    await adas.says('Yes, I am here')
    await graces.sees('Yes, I am here')
    await expect(graces.page.getByText(chat.here)).toBeVisible()
    await expect(graces.log.getByText('Ada', { exact: true })).toBeVisible()
    expect(await graces.order(['Yes, I am here', 'Is anybody there?'])).toEqual(['Is anybody there?', 'Yes, I am here'])
  })

  test('each sees the other type, and stop', async ({ user, admin }) => {
    const graces = await user()
    await graces.says('Hello')
    await graces.ticks('Hello', 'sent')
    const adas = await admin()
    await adas.opens(grace)

    await graces.field.pressSequentially('I wonder')
    await adas.seesTyping('Grace')
    await graces.field.fill('')
    await adas.seesNobodyTyping()

    await adas.field.pressSequentially('Let me look')
    await graces.seesTyping('Ada')
    await adas.field.press('Enter')
    await graces.sees('Let me look')
    await graces.seesNobodyTyping()

    await adas.toList()
    await graces.field.pressSequentially('So')
    if (adas.phone) await expect(adas.row(grace)).toContainText(words.typing)
  })

  test('ticks become read while both look', async ({ user, admin }) => {
    const graces = await user()
    await graces.says('Where is it?')
    await graces.ticks('Where is it?', 'sent')
    const adas = await admin()
    await adas.opens(grace)
    await graces.ticks('Where is it?', 'read')
    await adas.says('In Leipzig')
    await adas.ticks('In Leipzig', 'read')
  })
})

test.describe('connections that break', { tag: '@phone' }, () => {
  test.use({
    world: {
      records: [
        ...everybody,
        ...conversation(7, grace, [
          [grace, 'Hello'],
          [ada, 'Hello Grace'],
        ]),
      ],
      complaints: [/ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_SOCKET|WebSocket connection/],
    },
  })

  test('a server that was killed comes back, and what was written meanwhile arrives once', async ({
    server,
    user,
    admin,
  }) => {
    const [graces, adas] = [await user(), await admin()]
    await adas.opens(grace)
    await adas.insists()
    await graces.says('Before')
    await adas.sees('Before')
    await graces.ticks('Before', 'read')

    await server.kill()
    await graces.says('While you were gone 1')
    await graces.says('While you were gone 2')
    await adas.says('I write too')
    await expect(graces.page.getByText(common.reconnecting).first()).toBeVisible()
    await graces.ticks('While you were gone 2', 'queued')
    await server.start()
    await adas.ticks('I write too', 'read')

    for (const page of [adas, graces]) {
      await page.sees('While you were gone 1')
      await page.sees('While you were gone 2')
      await page.sees('I write too')
      await page.sees('Before')
    }
    const mine = ['Before', 'While you were gone 1', 'While you were gone 2']
    expect(await adas.order(mine)).toEqual(mine)
    await graces.ticks('While you were gone 2', 'read')
    await graces.page.reload()
    for (const text of [...mine, 'I write too']) await graces.sees(text)
  })
})

test.describe('several tabs', () => {
  test.use({ world: { records: everybody } })

  test('a second tab of each is in step with the first', async ({ user, admin }) => {
    const first = await user()
    const profile = first.page.context()
    const second = new UserPage(await profile.newPage(), grace)
    await second.open()
    await expect(second.field).toBeVisible()

    await first.says('From the first tab')
    await second.sees('From the first tab')
    await second.says('From the second tab')
    await first.sees('From the second tab')

    const adas = await admin()
    const adas2 = new AdminPage(await adas.page.context().newPage(), ada)
    await adas2.open()
    await expect(adas2.row(grace).getByRole('link')).toHaveAccessibleName(/2 unread/)
    await adas.opens(grace)
    await expect(adas2.row(grace).getByRole('link')).not.toHaveAccessibleName(/unread/)
    await adas.says('To both tabs')
    for (const tab of [first, second]) {
      await tab.sees('To both tabs')
      await tab.ticks('From the second tab', 'read')
      expect(await tab.order(['To both tabs', 'From the second tab', 'From the first tab'])).toEqual([
        'From the first tab',
        'From the second tab',
        'To both tabs',
      ])
    }
    await expect(adas2.row(grace)).toContainText('To both tabs')
  })
})

test.describe('a long conversation', { tag: '@phone' }, () => {
  const lines = Array.from({ length: 180 }, (_, index): [Account, string] => [grace, `Line number ${index + 1}`])
  test.use({ world: { records: [...everybody, ...conversation(7, grace, lines)] } })

  test('older messages come while scrolling up, without a jump', async ({ user }) => {
    const graces = await user()
    await graces.sees('Line number 180')
    await expect(graces.message('Line number 1')).toHaveCount(0)
    await expect(graces.message('Line number 90')).toHaveCount(0)
    const anchor = graces.message('Line number 135')
    const top = () => anchor.evaluate((each) => each.getBoundingClientRect().top)
    const before = await anchor.evaluate((each) => {
      const log = each.closest('[role=log]') as HTMLElement
      log.scrollTop = 300
      return each.getBoundingClientRect().top
    })
    await expect(graces.message('Line number 90')).toHaveCount(1)
    expect(Math.abs((await top()) - before)).toBeLessThanOrEqual(2)
    await expect(async () => {
      await graces.log.evaluate((log) => log.scrollTo({ top: 0 }))
      await expect(graces.message('Line number 1')).toHaveCount(1, { timeout: 500 })
    }).toPass({ timeout: 20_000 })
  })

  test('somebody who reads above is told of new messages, not moved', async ({ user, admin }) => {
    const graces = await user()
    const adas = await admin()
    await adas.opens(grace)
    // Else the answer waits for the room.
    await adas.sees('Line number 180')
    await graces.sees('Line number 180')
    await graces.log.evaluate((log) => log.scrollTo({ top: log.scrollHeight - log.clientHeight - 900 }))
    await expect(graces.page.getByRole('button', { name: chat.jump_latest })).toBeVisible()
    const anchor = graces.message('Line number 165')
    // The row and not `scrollTop`: what stood above the messages while they were loaded may go only now.
    const top = () => anchor.evaluate((each) => each.getBoundingClientRect().top)
    const before = await top()
    await adas.says('A new line')
    const jump = graces.page.getByRole('button', { name: chat.jump_new(1) })
    await expect(jump).toBeVisible()
    expect(Math.abs((await top()) - before)).toBeLessThanOrEqual(2)
    await jump.click()
    await expect(graces.message('A new line')).toBeInViewport()
    await adas.ticks('A new line', 'read')
  })
})

test.describe('a message that was not read yet', () => {
  test.use({
    world: {
      records: [
        ...everybody,
        ...conversation(7, grace, [
          [grace, 'Hello'],
          [ada, 'Read me'],
        ]),
      ],
    },
  })

  test('stands under the line of new messages', async ({ user }) => {
    const graces = await user()
    await graces.sees('Read me')
    await expect(graces.log.getByText(chat.new_messages)).toBeVisible()
    expect(await graces.order([chat.new_messages, 'Read me', 'Hello'])).toEqual(['Hello', chat.new_messages, 'Read me'])
  })
})
