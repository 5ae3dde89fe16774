/** `test` with a server of its own, pages that are watched, and people who use them. */
import { type BrowserContext, test as base, expect, type Page } from '@playwright/test'
import { type Account, ada, grace, ines, linus, person } from './cast'
import { Engines } from './engines'
import { AdminPage, UserPage } from './people'
import { Server } from './server'
import { watch } from './watch'

interface World {
  /** Lines that the server is born with. */
  records?: object[]
  settings?: string[]
  /** What the browser may complain of: the test makes the pages fail. */
  complaints?: RegExp[]
}

export interface Options {
  /** One: a server on SQLite. More: so many nodes on PostgreSQL and Redis, and each profile is at the next of them. */
  nodes: number
}

interface Fixtures {
  world: World
  server: Server
  /** Makes a browser profile of its own: nothing is shared with the others. */
  profile: () => Promise<BrowserContext>
  /** Signs a user in on a page, in a profile of their own unless one is given. */
  user: (account?: Account, profile?: BrowserContext) => Promise<UserPage>
  admin: (account?: Account, profile?: BrowserContext) => Promise<AdminPage>
}

export const test = base.extend<Options & Fixtures, { engines: Engines }>({
  world: [{}, { option: true }],
  nodes: [1, { option: true }],

  engines: [
    // biome-ignore lint/correctness/noEmptyPattern: so Playwright is told that it needs nothing
    async ({}, use) => {
      const engines = new Engines()
      await use(engines)
      await engines.stop()
    },
    { scope: 'worker' },
  ],

  server: async ({ world, nodes, engines }, use) => {
    const server = new Server(world.settings, nodes, nodes > 1 ? await engines.settings() : {})
    if (world.records) server.import(world.records)
    await server.start()
    await use(server)
    await server.stop()
  },

  profile: async ({ browser, contextOptions, viewport, isMobile, hasTouch, locale, server, world }, use) => {
    const opened: BrowserContext[] = []
    const complaints: string[] = []
    await use(async () => {
      const baseURL = server.nextAddress()
      const options = { ...contextOptions, viewport, isMobile, hasTouch, locale, baseURL }
      const context = await browser.newContext({ ...options, acceptDownloads: true })
      watch(context, baseURL, complaints)
      opened.push(context)
      return context
    })
    for (const context of opened) await context.close()
    expect(complaints.filter((each) => !world.complaints?.some((pattern) => pattern.test(each)))).toEqual([])
  },

  user: async ({ profile }, use) => {
    await use(async (account = grace, context) => {
      const page = new UserPage(await newPage(context ?? (await profile())), account)
      await page.open()
      await page.signIn()
      return page
    })
  },

  admin: async ({ profile }, use) => {
    await use(async (account = ada, context) => {
      const page = new AdminPage(await newPage(context ?? (await profile())), account)
      await page.open()
      await page.signIn()
      return page
    })
  },
})

const newPage = (context: BrowserContext): Promise<Page> => context.newPage()

/** Two admins and two users who have not written yet. */
export const everybody = [ada, ines, grace, linus].map(person)

export { expect }
