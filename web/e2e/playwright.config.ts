/** Browser tests run in the system's Chromium; nothing is downloaded. */
import { defineConfig } from '@playwright/test'

const desktop = { width: 1280, height: 800 }
const phone = { width: 390, height: 844 }

export default defineConfig({
  testDir: '.',
  outputDir: '../node_modules/.cache/playwright',
  reporter: 'list',
  forbidOnly: !!process.env.CI,
  fullyParallel: true,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  use: {
    locale: 'en-GB',
    actionTimeout: 15_000,
    navigationTimeout: 20_000,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      // Chromium's own sandbox does not work for root, as in containers.
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    },
  },
  projects: [
    { name: 'desktop', testIgnore: 'gallery.spec.ts', use: { viewport: desktop } },
    {
      name: 'phone',
      testIgnore: 'gallery.spec.ts',
      grep: /@phone/,
      use: { viewport: phone, isMobile: true, hasTouch: true },
    },
    { name: 'gallery', testMatch: 'gallery.spec.ts' },
  ],
})
