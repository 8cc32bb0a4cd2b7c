# What kind of node is this, and where can a hive live on it?  sh -s NONCE [CACHE_DIR] <this
# Everything it has to say is a line that begins with rbee:NONCE; all else is noise of login scripts. It must work with
# any POSIX shell, and leaves nothing that was not there before but ~/.cache itself.
LC_ALL=C; export LC_ALL
umask 077
nonce=$1 cache=${2:-}
uid=$(id -u 2>/dev/null)
say() { printf 'rbee:%s %s\n' "$nonce" "$*"; }

# The free space of the file system that $1 lies on, or would: KB, -1 if df does not say.
space() {
	at=$1
	while [ ! -d "$at" ]; do
		case $at in
		*/*) at=${at%/*} ;;
		*) at=. ;;
		esac
		[ -n "$at" ] || at=/
	done
	free=-1 before=
	for word in $(df -Pk "$at" 2>/dev/null | tail -n 1); do
		case $word in
		*[0-9]%) free=$before ;;
		esac
		before=$word
	done
	case $free in
	'' | *[!0-9]*) free=-1 ;;
	esac
}

# Others may not own $1, nor write to it. A folder in a place where everybody writes must be no link either.
private() {
	set -- $(ls -ldn "$1" 2>/dev/null)
	case $1 in
	d????w????* | d???????w?*) return 1 ;;
	d*) [ "$3" = "$uid" ] ;;
	*) return 1 ;;
	esac
}

# try DIR [public]: can a program be put there, and run? Says so in one word.
try() {
	dir=$1 public=${2:-} why= made=
	case $dir in
	*[!A-Za-z0-9_./:@+,-]*) # it has to be a word of a command that means the same to every shell
		say dir name -1 "$(printf '%s' "$dir" | tr '\n' ' ')"
		return
		;;
	esac
	space "$dir"
	if [ -n "$public" ]; then
		# In a folder without the sticky bit others could replace ours.
		case $(ls -ldL "${dir%/*}" 2>/dev/null) in
		d???????w[!tT]*) say dir open "$free" "$dir"; return ;;
		esac
	fi
	if [ ! -d "$dir" ]; then
		if [ -n "$public" ]; then why=$(mkdir "$dir" 2>&1); else why=$(mkdir -p "$dir" 2>&1); fi && made=1
	fi
	if [ ! -d "$dir" ]; then
		say dir mkdir "$free" "$dir"
		say why "${why%%
*}"
		return
	fi
	[ -n "$public" ] || [ -n "$made" ] || chmod go-w "$dir" 2>/dev/null
	if [ -n "$public" ]; then owned=$dir; else owned=$dir/.; fi
	if ! private "$owned"; then
		say dir owner "$free" "$dir"
		return
	fi
	# No #! line: a shell runs such a file itself, but only after the kernel found that it may be executed.
	test=$dir/.probe-$nonce
	if why=$({ echo 'exit 42' >"$test" && chmod 700 "$test"; } 2>&1); then
		"$test" >/dev/null 2>&1
		if [ $? = 42 ]; then say dir ok "$free" "$dir"; else say dir noexec "$free" "$dir"; fi
	else
		say dir write "$free" "$dir"
		say why "${why%%
*}"
	fi
	rm -f "$test" 2>/dev/null
	[ -z "$made" ] || rmdir "$dir" 2>/dev/null
}

# lacks NAME: is it nowhere that the dynamic linker looks?
lacks() {
	grep -q "/$1" /etc/ld.so.cache 2>/dev/null && return 1
	for at in /lib /lib64 /usr/lib /usr/lib64 /usr/local/lib /lib/*-linux-gnu /usr/lib/*-linux-gnu $(echo "${LD_LIBRARY_PATH:-}" | tr : ' '); do
		[ ! -e "$at/$1" ] || return 1
	done
	return 0
}

linux() {
	set -- "$(getconf GNU_LIBC_VERSION 2>/dev/null)" /lib/ld-musl-*
	if [ -n "$1" ]; then say libc "$1"
	elif [ -e "$2" ]; then say libc musl
	fi
	case $machine in
	x86_64 | amd64) loader=/lib64/ld-linux-x86-64.so.2 ;;
	aarch64 | arm64) loader=/lib/ld-linux-aarch64.so.1 ;;
	*) return ;;
	esac
	[ -e "$loader" ] || say lacks "${loader##*/}"
	for library in libstdc++.so.6 libffi.so.8; do
		if lacks "$library"; then say lacks "$library"; fi
	done
}

printf '\n' # the noise may have ended without one
machine=$(uname -m)
say system "$(uname -s)" "$machine"
[ "$(uname -s)" != Linux ] || linux
for tool in gzip tar tee sha256sum shasum openssl; do
	if command -v "$tool" >/dev/null 2>&1; then say tool "$tool"; fi
done
here=$(pwd -P)
[ -z "$cache" ] || try "$cache"
case ${XDG_CACHE_HOME:-} in
/*) [ "$XDG_CACHE_HOME" = "${HOME:-}/.cache" ] || try "$XDG_CACHE_HOME/rbee" ;;
esac
case ${HOME:-} in
/*)
	# Relative where commands start in the home folder: it is shorter, and works whatever the folder is called.
	if [ "$(cd "$HOME" 2>/dev/null && pwd -P)" = "$here" ]; then try .cache/rbee; else try "$HOME/.cache/rbee"; fi
	;;
esac
if [ -n "$uid" ]; then
	try "/var/tmp/rbee-$uid" public
	try "/tmp/rbee-$uid" public
fi
say end
