/** To which hosts a trace is passed on. */
import { portOf } from "./http.ts"

/** Names of hosts, or a function that knows them. */
export type Hosts = ReadonlyArray<string> | ((url: URL) => boolean)

/**
 * Nobody but the machine itself unless hosts are named: ids and baggage are no business of a third party's.
 *
 * A name is that of a host, with a port for that port alone; `*.example.com` means every host below `example.com`.
 */
export const hostFilter = (hosts: Hosts | undefined): (url: URL) => boolean => {
  if (hosts === undefined) return isLoopback
  if (typeof hosts === "function") {
    return (url) => {
      try {
        return hosts(url)
      } catch {
        return false
      }
    }
  }
  const names = hosts.map((host) => host.toLowerCase())
  return (url) => {
    // an address does not keep the port of its scheme, and a name may state it
    const withPort = `${url.hostname}:${portOf(url)}`
    return names.some((name) => matches(name, url.hostname) || matches(name, withPort))
  }
}

// internal

const matches = (name: string, host: string): boolean =>
  name.startsWith("*.") ? host.length > name.length - 1 && host.endsWith(name.slice(1)) : host === name

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" ||
  /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
