// Runs every test there is, one runner after the other, and ends with one line that counts them all.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const root = join(import.meta.dirname, '..')
const web = join(root, 'web')
const reports = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', 'reports')

/** A command's output is shown as it comes, or when it has ended if it runs beside another; and kept. */
function run(command, args, { cwd = root, env = {}, beside = false } = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
      if (!beside) process.stdout.write(text)
    })
    child.on('error', (error) => done({ ok: false, output: `${command}: ${error.message}` }))
    child.on('close', (code) => {
      if (beside) process.stdout.write(output)
      done({ ok: code === 0, output })
    })
  })
}

const npx = (...args) => ['npx', ['--no-install', ...args]]

/** A check passes or fails as a whole. */
async function check(command, args, options) {
  const { ok, output } = await run(command, args, options)
  return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, causes: [{ test: command, why: tail(output) }] }
}

async function rust() {
  const { ok, output } = await run('cargo', ['test', '--workspace', '--no-fail-fast'])
  return cargo(ok, output)
}

/** What `cargo test` printed, counted. */
function cargo(ok, output) {
  const causes = [...output.matchAll(/^---- (?<test>.+) stdout ----\n(?<why>(?:(?!---- |failures:$).*\n)*)/gm)]
  return counted(
    ok,
    output.matchAll(/^test result: \w+\. (?<passed>\d+) passed; (?<failed>\d+) failed/gm),
    causes.map(({ groups }) => groups),
  )
}

/** What is not SQLite's own matter, once more on PostgreSQL. */
async function onPostgres() {
  const env = { FRONTDESK_TEST_DATABASE: 'postgres' }
  const but = (names) => names.flatMap((name) => ['--skip', `${name}::`])
  const runs = [
    ['frontdesk-store', 'store', ['sqlite', 'nodes', 'servers']],
    // Those on no database, on SQLite's files, or on PostgreSQL already.
    ['frontdesk', 'it', 'backup chaos demo docs faults hub model nodes openapi proxies redis s3 tidy'.split(' ')],
  ]
  const all = []
  for (const [crate, test, names] of runs) {
    all.push(await run('cargo', ['test', '-p', crate, '--test', test, '--no-fail-fast', '--', ...but(names)], { env }))
  }
  return cargo(
    all.every(({ ok }) => ok),
    all.map((one) => one.output).join(''),
  )
}

async function vitest() {
  const file = join(reports, 'vitest.json')
  const { ok } = await run(...npx('vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile=${file}`), {
    cwd: web,
    beside: true,
  })
  const report = read(file)
  // A file that could not be loaded has no tests that could fail.
  const broken =
    report?.testResults.filter((each) => each.status === 'failed' && each.assertionResults.length === 0).length ?? 0
  const causes = report?.testResults.flatMap((file) =>
    file.assertionResults.length === 0
      ? [{ test: file.name, why: file.message }]
      : file.assertionResults.map((each) => ({ test: each.fullName, why: each.failureMessages.join('\n') })),
  )
  return counted(
    ok,
    report ? [{ groups: { passed: report.numPassedTests, failed: report.numFailedTests + broken } }] : [],
    causes?.filter(({ why }) => why),
  )
}

async function browser() {
  const file = join(reports, 'playwright.json')
  const { ok } = await run(...npx('playwright', 'test', '--config=e2e', '--reporter=list,json'), {
    cwd: web,
    env: { PLAYWRIGHT_JSON_OUTPUT_NAME: file },
  })
  const report = read(file)
  // Passing only at the second attempt is no pass.
  const groups = report && {
    passed: report.stats.expected,
    failed: report.stats.unexpected + report.stats.flaky + report.errors.length,
  }
  return counted(ok, groups ? [{ groups }] : [], report ? [...report.errors.map(crashed), ...shortfalls(report)] : [])
}

const crashed = ({ message }) => ({ test: 'a worker', why: message })

/** What a suite of Playwright's and those in it have failed at. */
function shortfalls({ suites = [], specs = [] }) {
  const failed = specs.flatMap((spec) =>
    spec.tests.filter(({ status }) => status !== 'expected').map((each) => [spec, each]),
  )
  const own = failed.map(([spec, { projectName, results }]) => ({
    test: `[${projectName}] ${spec.file}:${spec.line} ${spec.title}`,
    why: results.flatMap(({ errors }) => errors.map(({ message }) => message)).join('\n'),
  }))
  return [...own, ...suites.flatMap(shortfalls)]
}

/** A runner that ended badly without a failed test (it did not compile, it crashed) counts as one failure. */
function counted(ok, matches, causes = []) {
  let [passed, failed] = [0, 0]
  for (const { groups } of matches) {
    passed += Number(groups.passed)
    failed += Number(groups.failed)
  }
  return { passed, failed: !ok && failed === 0 ? 1 : failed, causes }
}

const lines_max = 10

/** The lines that say something, without colours. */
const lines = (text = '') =>
  stripVTControlCharacters(text)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.slice(0, 200))
const tail = (text) => lines(text).slice(-lines_max).join('\n')

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return null
  }
}

/** A random seed each time; the first line it prints says how to have the same again. */
async function faults() {
  const debug = join(process.env.CARGO_TARGET_DIR ?? 'target', 'debug')
  return check(join(debug, 'chaos'), ['--server', join(debug, 'frontdesk'), '--seconds', '25'])
}

/** Others work on the machine, too: what is promised in seconds is given more of them. It is measured by `make chaos PROFILE=nodes`. */
async function faultsOfNodes() {
  const debug = join(process.env.CARGO_TARGET_DIR ?? 'target', 'debug')
  const args = ['--server', join(debug, 'frontdesk'), '--profile', 'nodes', '--users', '12', '--slack', '4']
  return check(join(debug, 'chaos'), [...args, '--seconds', '75'])
}

const steps = [
  ['Rust formatting', () => check('cargo', ['fmt', '--all', '--', '--check', '--files-with-diff'])],
  ['TypeScript lints', () => check(...npx('biome', 'check', '--max-diagnostics=50', '.'), { cwd: web })],
  ['TypeScript types', () => check(...npx('tsc', '--noEmit'), { cwd: web })],
  ['Size budgets', () => check('node', [join('scripts', 'sizes.mjs')])],
  ['Benchmark scripts', () => check('node', ['--test', join('scripts', 'bench', 'test/')])],
  // Both wait more than they work. What the rest runs is built by the first.
  ['Rust', rust, 'TypeScript', vitest],
  ['Rust on PostgreSQL', onPostgres],
  ['Faults', faults],
  ['Faults of nodes', faultsOfNodes],
  ['Browser', browser],
]

rmSync(reports, { recursive: true, force: true })
mkdirSync(reports, { recursive: true })
const results = []

async function take(name, step) {
  process.stdout.write(`\n== ${name}\n`)
  const began = Date.now()
  const counts = await step()
  results.push({ name, ...counts, seconds: Math.round((Date.now() - began) / 1000) })
}

for (const [name, step, besideName, beside] of steps) {
  await Promise.all([take(name, step), beside && take(besideName, beside)])
}

// Again at the end, in short: what a runner said about it lies far above.
for (const { name, causes = [] } of results) {
  for (const { test, why } of causes) {
    const short = lines(why).slice(0, lines_max)
    process.stdout.write(`\n${name}: ${test}\n${short.map((line) => `    ${line}\n`).join('')}`)
  }
}

const sum = (key) => results.reduce((total, each) => total + each[key], 0)
process.stdout.write('\n')
for (const { name, passed, failed, seconds } of results) {
  process.stdout.write(
    `${name.padEnd(24)}${String(passed).padStart(6)} passed${failed ? `, ${failed} failed` : ''} in ${seconds} s\n`,
  )
}
process.stdout.write(`\n${sum('passed')} passed, ${sum('failed')} failed\n`)
process.exitCode = sum('failed') === 0 ? 0 : 1
