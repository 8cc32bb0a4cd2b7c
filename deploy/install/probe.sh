# What kind of node is this, and where can a hive live on it?  sh -s NONCE [CACHE_DIR]
# It leaves nothing that was not there before, but for an empty cache folder of the user's own.
cache=${2:-}

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

# look: can a program be put into $dir, and run? Says so in one word, and a line of why.
look() {
	at=$dir why=
	if [ -z "$public" ]; then
		[ -d "$dir" ] || why=$(mkdir -p "$dir" 2>&1)
		[ -d "$dir" ] || { found=mkdir; return; }
		why=
		private "$dir" || chmod go-w "$dir" 2>/dev/null
	else
		case $(ls -ldL "${dir%/*}" 2>/dev/null) in
		d???????w[!tT]*) found=open; return ;; # without the sticky bit others could replace ours
		esac
		[ -e "$dir" ] || [ -L "$dir" ] || at=${dir%/*} # it is made when it is needed
	fi
	if [ "$at" = "$dir" ] && ! private "$dir"; then
		found=owner
		return
	fi
	# No #! line: a shell runs such a file itself, but only after the kernel found that it may be executed.
	test=$at/.rbee-probe-$nonce
	if why=$({ echo 'exit 42' >"$test" && chmod 700 "$test"; } 2>&1); then
		"$test" >/dev/null 2>&1
		if [ $? = 42 ]; then found=ok; else found=noexec; fi
	else
		found=write
	fi
	rm -f "$test" 2>/dev/null
}

# try DIR [public] says what came of a look.
try() {
	dir=$1 public=${2:-}
	case $dir in
	*[!A-Za-z0-9_./:@+,-]*) # it has to be a word of a command that means the same to every shell
		say dir name -1 "$(printf '%s' "$dir" | tr '\n' ' ')"
		return
		;;
	esac
	space "$dir"
	look
	say dir "$found" "$free" "$dir"
	[ -z "$why" ] || say why "${why%%
*}"
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
