#!/usr/bin/env node
// The `hawser` command: one file a subcommand.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Command } from 'commander'
import { packageRoot } from '../native'
import { addDemoCommand } from './demo'
import { addRebuildCommand } from './rebuild'

const { version, description } = JSON.parse(
  readFileSync(path.join(packageRoot, 'package.json'), 'utf8'),
) as { version: string; description: string }

const program = new Command('hawser').description(description).version(version)
addDemoCommand(program)
addRebuildCommand(program)
program.parseAsync().catch((error: unknown) => {
  console.error(`hawser: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
})
