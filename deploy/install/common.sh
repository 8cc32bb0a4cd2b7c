# The beginning of each script: sh -s NONCE ... <this and the script. It must work with any POSIX shell.
# Everything a script has to say is a line that begins with rbee:NONCE; all else is noise of login scripts.
LC_ALL=C; export LC_ALL
unset CDPATH GZIP TAR_OPTIONS # what the environment may add to cd, gzip and tar
umask 077
nonce=$1
uid=$(id -u 2>/dev/null)
say() { printf 'rbee:%s %s\n' "$nonce" "$*"; }

# Is folder $1 ours, and nobody else may write to it? In a place where everybody may make folders it must be no link
# either: who can replace what a link leads to can replace our hive.
private() {
	case $1 in
	/tmp/* | /var/tmp/*) set -- $(ls -ldn "$1" 2>/dev/null) ;;
	*) set -- $(ls -ldn "$1/." 2>/dev/null) ;;
	esac
	case $1 in
	d????w???* | d???????w*) return 1 ;;
	d*) [ "$3" = "$uid" ] ;;
	*) return 1 ;;
	esac
}

