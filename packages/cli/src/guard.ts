// Imported before anything else. Until a handler stands, Node answers SIGUSR1 by opening an
// unauthenticated debugger on port 9229, through which a secret could be read.
process.on('SIGUSR1', () => {});
