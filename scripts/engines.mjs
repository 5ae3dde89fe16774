// A throwaway PostgreSQL and Redis for tests that are not written in Rust. The first line it says is where Redis is; each
// line it reads is answered by the URL of a new database. Both end with its input, however that comes to its end.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { run } from './bench/host.mjs'
import { endAll, initPostgres, postgres, startPostgres, startRedis } from './bench/services.mjs'

const folder = mkdtempSync(`${tmpdir()}/frontdesk-engines-`)
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const running = []
try {
  initPostgres(folder)
  const url = new URL(await startPostgres(folder, running))
  process.stdout.write(`${await startRedis(running)}\n`)
  let made = 0
  for await (const _ of createInterface({ input: process.stdin })) {
    const name = `test_${made++}`
    run(postgres('createdb'), ['-h', url.hostname, '-p', url.port, '-U', url.username, '-T', 'template0', name])
    url.pathname = name
    process.stdout.write(`${url}\n`)
  }
} finally {
  await endAll(running)
}
