/** The live pages, as axe-core judges them, in light and in dark. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from '@playwright/test'
import type { AxeResults } from 'axe-core'
import { ada, conversation, grace } from './support/cast'
import { AdminPage, UserPage } from './support/people'
import { everybody, expect, test } from './support/test'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

test.use({
  world: {
    records: [
      ...everybody,
      ...conversation(7, grace, [
        [grace, 'Hello, where is my parcel? https://example.com/track/1'],
        [ada, 'Let me look'],
      ]),
    ],
  },
})

async function isAccessible(page: Page, where: string): Promise<void> {
  await page.evaluate(axe)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    // A colour on its way to the other scheme has no contrast of its own.
    await page.evaluate(async () => {
      await new Promise(requestAnimationFrame)
      const transitions = document.getAnimations().filter((it) => it instanceof CSSTransition)
      await Promise.allSettled(transitions.map((it) => it.finished))
    })
    const { violations } = await page.evaluate(() =>
      (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
    )
    const found = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}`))
    expect(found, `${where}, ${colorScheme}`).toEqual([])
  }
}

test('the user page', { tag: '@phone' }, async ({ profile }) => {
  const graces = new UserPage(await (await profile()).newPage(), grace)
  await graces.open()
  await graces.seesSignIn()
  await isAccessible(graces.page, 'sign-in')
  await graces.signIn()
  await graces.sees('Let me look')
  await graces.says('Thank you')
  await graces.ticks('Thank you', 'sent')
  await isAccessible(graces.page, 'conversation')
})

test('the console', { tag: '@phone' }, async ({ profile }) => {
  const adas = new AdminPage(await (await profile()).newPage(), ada)
  await adas.open()
  await adas.seesSignIn()
  await isAccessible(adas.page, 'sign-in')
  await adas.signIn()
  await expect(adas.row(grace)).toBeVisible()
  await isAccessible(adas.page, 'list')
  await adas.opens(grace)
  await adas.sees('Let me look')
  await isAccessible(adas.page, 'room')
})
