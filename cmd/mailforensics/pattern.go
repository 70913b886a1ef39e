package main

import (
	"path/filepath"
	"slices"
	"strings"
)

// manyFiles is how many files a command to copy names one by one.
const manyFiles = 8

// namedShortly is the files as a command to copy names them: the shell made many names of one pattern, and that is found again where it
// stands for exactly these.
func namedShortly(files []string) []string {
	if len(files) <= manyFiles {
		return files
	}
	pattern := patternOf(files)
	found, err := filepath.Glob(pattern)
	if err != nil {
		return files
	}
	given := make([]string, len(files))
	for i, f := range files {
		given[i] = filepath.Clean(f)
	}
	slices.Sort(given)
	if !slices.Equal(found, given) {
		return files
	}
	return []string{pattern}
}

// patternOf is what all names begin with, a star, and their ending, if it is the same.
func patternOf(files []string) string {
	begin, ending := files[0], filepath.Ext(files[0])
	for _, f := range files[1:] {
		for !strings.HasPrefix(f, begin) {
			begin = begin[:len(begin)-1]
		}
		if filepath.Ext(f) != ending {
			ending = ""
		}
	}
	return begin + "*" + ending
}
