/** Asks the server for recorded runs (editor/routes/runs.py). */

import { RUNS_ROUTE } from "../lib/constants.js";
import { api } from "../lib/front_end.js";

/** What the server answered with another status than success. */
export class RefusedByServer extends Error {
    /**
     * @param {string} reason
     * @param {number} status of HTTP
     */
    constructor(reason, status) {
        super(reason);
        this.status = status;
    }
}

/**
 * Ask for JSON.
 *
 * @param {string} path below the route of the runs
 * @param {string | null} tag what the server called the last answer
 * @param {RequestInit} options
 * @returns {Promise<{ data: any, tag: string | null }>} `data` is null when nothing changed since
 * @throws {RefusedByServer}
 */
export async function askForRuns(path, tag = null, options = {}) {
    /** @type {Record<string, string>} */
    const headers = tag ? { "If-None-Match": tag } : {};
    const reply = await api.fetchApi(RUNS_ROUTE + path, { cache: "no-store", headers, ...options });
    if (reply.status === 304) return { data: null, tag };
    const data = await readJson(reply);
    if (!reply.ok || data === null) {
        const reason = data?.error ?? `the server answered ${reply.status} ${reply.statusText}`;
        throw new RefusedByServer(reason, reply.status);
    }
    return { data, tag: reply.headers.get("ETag") };
}

/**
 * The address of something that the browser itself loads.
 *
 * @param {string} path below the route of the runs
 * @returns {string}
 */
export function runsUrl(path) {
    return api.apiURL(RUNS_ROUTE + path);
}

/**
 * @param {Response} reply
 * @returns {Promise<any>} null: no JSON, but a proxy's page, or nothing at all
 */
async function readJson(reply) {
    try {
        return await reply.json();
    } catch {
        return null;
    }
}
