/** What is loaded later than the conversation: it comes by itself, compressed, and a page without it goes on. */
import { chat, common } from '../ui/src/messages/en'
import { conversation, grace } from './support/cast'
import { UserPage } from './support/people'
import { everybody, expect, test } from './support/test'

const overlay = /\/assets\/overlay-.*\.js$/
const room = conversation(7, grace, [[grace, 'Hello']])

test.describe('parts of the page', () => {
  test.use({ world: { records: [...everybody, ...room] } })

  test('come compressed, and before anybody asks for them', async ({ profile }) => {
    const page = await (await profile()).newPage()
    const encodings: string[] = []
    page.on('response', (response) => {
      if (/\/assets\/.*\.(js|css)$/.test(response.url()))
        encodings.push(response.headers()['content-encoding'] ?? 'none')
    })
    const ahead = page.waitForResponse(overlay)
    const graces = new UserPage(page, grace)
    await graces.open()
    await graces.signIn()
    await ahead
    expect(encodings.filter((each) => each !== 'br' && each !== 'gzip')).toEqual([])
  })
})

test.describe('a part that cannot be loaded', () => {
  test.use({ world: { records: [...everybody, ...room], complaints: [/ERR_FAILED|Failed to load/] } })

  test('is told of and comes later, and the conversation goes on', async ({ profile }) => {
    const page = await (await profile()).newPage()
    await page.route(overlay, (route) => route.abort())
    const graces = new UserPage(page, grace)
    await graces.open()
    await graces.signIn()
    await page.getByRole('button', { name: common.more }).click()
    await expect(page.getByText(common.part_failed)).toBeVisible()
    await graces.says('It works all the same')
    await graces.ticks('It works all the same', 'sent')
    await page.unroute(overlay)
    await expect(page.getByRole('menuitemradio', { name: common.theme_dark })).toBeVisible()
    await expect(page.getByText(common.part_failed)).toBeHidden()
    await expect(page.getByText(chat.here).or(page.getByText(chat.away)).first()).toBeVisible()
  })
})
