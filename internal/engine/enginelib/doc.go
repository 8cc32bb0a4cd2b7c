// Package enginelib finds, checks and installs the shared libraries of llama.cpp that this build is made for.
//
// The libraries are not ours: they are llama.cpp's own prebuilt ones, as the npm packages @node-llama-cpp/<target>
// carry them. The Go binding calls them without a compiler in between, so nothing but this package notices when a
// folder holds another release: a wrong one loads silently and misbehaves later. Therefore release, npm version
// and digests are one block of constants (pin.go), and Find compares the folder with it before anything is loaded.
//
// An engine folder is flat: the libraries, links to them under the names the binding asks for (libllama.so >
// libllama.v0.4.0.so), the build's own _nlcBuildMetadata.json, its LICENSE, and SHA256SUMS, written by Install.
// Links, never copies: a copy would be a second image of the library with a registry of backends of its own.
package enginelib
