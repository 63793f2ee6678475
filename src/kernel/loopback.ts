/** Whether a host name or address (URL form, IPv6 in brackets) stays on this machine. */
export const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
