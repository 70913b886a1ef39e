// Package logfile turns names into lines. It is the first stage of the flow: it knows files, compression and rotation, and
// nothing of mail.
//
// Expand turns arguments (paths, globs, directories, archives, "-") into Inputs; Open reads one of them and hands out Chunks of
// whole lines; Follow does the same for a log that grows and is rotated. The type of a file is told by its content, never by its
// name. What is laid out otherwise than as lines of UTF-8 (UTF-16, lists of JSON, lines that end with CR) is made such lines.
//
// Words: an input is a file of the run; a codec is how it is compressed; text is what comes out of decompression; an archive is a
// tar or zip file, in which each file is an input; damage is what keeps a file from being read to its end. Bytes are counted and
// hashed as they are on disk, or in the archive, lines and text after decompression.
//
// Promises: the text of a chunk never changes, unless its memory is given back to a Pool; a chunk holds whole lines, whatever
// the size of the reads; every byte of text is either in a chunk, or counted in Stats as left out; damage ends a stream, but
// what was readable before it is handed out. Memory is bounded by the chunk size, the read-ahead and the longest line allowed,
// not by the file, unless its lines are arranged in another order.
package logfile
