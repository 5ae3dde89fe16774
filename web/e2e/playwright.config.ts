/** Browser tests run in the system's Chromium; nothing is downloaded. */
import { availableParallelism } from 'node:os'
import { defineConfig } from '@playwright/test'
import type { Options } from './support/test'

const desktop = { width: 1280, height: 800 }
const phone = { width: 390, height: 844 }

export default defineConfig<Options>({
  testDir: '.',
  outputDir: '../node_modules/.cache/playwright',
  reporter: 'list',
  forbidOnly: !!process.env.CI,
  fullyParallel: true,
  // Tests wait for each other's pages, so there is one more than cores.
  workers: availableParallelism() + 1,
  // Long, since the machine may be busy: a fact that comes is seen at once.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  use: {
    locale: 'en-GB',
    contextOptions: { reducedMotion: 'reduce' },
    actionTimeout: 15_000,
    navigationTimeout: 20_000,
    // Recording what is only kept of failed tests costs each of them: ask for it.
    trace: process.env.TRACE ? 'retain-on-failure' : 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      // Chromium's own sandbox does not work for root, as in containers.
      args: ['--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
    },
  },
  projects: [
    // The longest first.
    { name: 'gallery', testMatch: 'gallery.spec.ts' },
    { name: 'desktop', testIgnore: 'gallery.spec.ts', use: { viewport: desktop } },
    // Once more on two nodes, PostgreSQL and Redis: what is for phones, too, with a phone.
    {
      name: 'phone',
      testIgnore: 'gallery.spec.ts',
      grep: /@phone/,
      use: { viewport: phone, isMobile: true, hasTouch: true, nodes: 2 },
    },
    {
      name: 'nodes',
      testIgnore: 'gallery.spec.ts',
      grepInvert: /@phone|@sqlite/,
      use: { viewport: desktop, nodes: 2 },
    },
  ],
})
