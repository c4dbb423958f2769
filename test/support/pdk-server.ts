import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import net from 'node:net'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { killChild } from './kill-child.ts'
import { waitFor } from './wait-for.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BIN = `${ROOT}node_modules/kong-pdk/bin/kong-js-pluginserver`

/** A plugin of test/fixtures/plugin-server/. */
export type ToyPlugin = 'toy-a' | 'toy-script'

/** Shell command that runs the stock plugin server of kong-pdk with one toy plugin. */
export function serveCommand(plugin: ToyPlugin, socket: string): string {
  return serveFolder(toyFolder(plugin), socket)
}

/** Shell command that prints the plugin's name, phases and schema, as for KONG_PLUGINSERVER_<NAME>_QUERY_CMD. */
export function queryCommand(plugin: ToyPlugin): string {
  return dumpFolder(toyFolder(plugin))
}

/** Shell command that prints all plugins of a folder. */
export const dumpFolder = (folder: string): string => `${command(folder)} --dump-all-plugins`

const serveFolder = (folder: string, socket: string): string =>
  `${command(folder)} --kong-prefix ${dirname(socket)} --sock-name ${basename(socket)}`

const toyFolder = (plugin: ToyPlugin): string => `${ROOT}test/fixtures/plugin-server/${plugin}`

// It compiles TypeScript on load, and would read the project's options for that.
const command = (folder: string): string =>
  `env TS_NODE_SKIP_PROJECT=true ${process.execPath} ${BIN} --plugins-directory ${folder}`

export interface PdkServer {
  readonly pid: number
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

/** Runs the stock plugin server of kong-pdk; resolves when it listens. */
export const startPdkServer = (plugin: ToyPlugin, socket: string): Promise<PdkServer> =>
  startPdkServerOn(toyFolder(plugin), socket)

/** The same with every plugin of a folder. */
export async function startPdkServerOn(folder: string, socket: string): Promise<PdkServer> {
  // A killed server leaves its socket behind.
  rmSync(socket, { force: true })
  const child = spawn('/bin/sh', ['-c', `exec ${serveFolder(folder, socket)}`], { stdio: 'ignore' })
  await waitFor(() => listens(socket), {
    what: `the plugin server of ${folder} on ${socket}`,
  })
  return {
    pid: child.pid!,
    kill: () => killChild(child),
  }
}

function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
