/** Numbers, sizes and times as text. Pure, and imports nothing. */

/**
 * @param {number} seconds
 * @returns {string}
 */
export function formatSeconds(seconds) {
    if (!Number.isFinite(seconds)) return "";
    if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
    if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
    const rounded = Math.round(seconds);
    const [hours, minutes] = [Math.floor(rounded / 3600), Math.floor((rounded % 3600) / 60)];
    return hours ? `${hours} h ${minutes} min` : `${minutes} min ${rounded % 60} s`;
}

/**
 * @param {number} bytes
 * @returns {string}
 */
export function formatBytes(bytes) {
    if (!Number.isFinite(bytes)) return "";
    const units = ["B", "KB", "MB", "GB", "TB"];
    let step = 0;
    while (bytes >= 1024 && step < units.length - 1) {
        bytes /= 1024;
        step += 1;
    }
    return `${bytes >= 100 || step === 0 ? Math.round(bytes) : bytes.toFixed(1)} ${units[step]}`;
}

/**
 * A moment in the user's own way of writing it.
 *
 * @param {number} seconds since 1970
 * @returns {string}
 */
export function formatTime(seconds) {
    return Number.isFinite(seconds) ? new Date(seconds * 1000).toLocaleString() : "";
}

/**
 * At most six digits.
 *
 * @param {number} value
 * @returns {string}
 */
export function formatNumber(value) {
    if (Number.isInteger(value) || !Number.isFinite(value)) return String(value);
    return String(Number(value.toPrecision(6)));
}

/**
 * "1 iteration", "2 iterations".
 *
 * @param {number} number
 * @param {string} one
 * @param {string} many
 * @returns {string}
 */
export function count(number, one, many = `${one}s`) {
    return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

/**
 * Facts in a line; what is null or empty is left out.
 *
 * @param {(string | null)[]} facts
 * @returns {string}
 */
export function joinFacts(facts) {
    return facts.filter(Boolean).join(" \u00b7 ");
}
