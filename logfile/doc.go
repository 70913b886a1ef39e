// Package logfile turns names into lines: it expands paths, globs and directories, tells compression by content, puts
// rotated files in the order of time, and hands out chunks of whole lines. It knows nothing of mail.
package logfile
