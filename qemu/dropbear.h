/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dropbear's localoptions.h. One key type, one key exchange: the harness makes both ends'
 * keys, and what is not compiled need not be built.
 */

/* That musl has no crypt() is no loss: the harness never logs in by password. */
#define DROPBEAR_SVR_PASSWORD_AUTH 0
#define DROPBEAR_CLI_PASSWORD_AUTH 0

#define DROPBEAR_ED25519 1
#define DROPBEAR_RSA 1 /* signkey.c 2022.83 does not build without; no such key is made */
#define DROPBEAR_ECDSA 0
#define DROPBEAR_SK_KEYS 0
#define DROPBEAR_CURVE25519 1
#define DROPBEAR_ECDH 0
#define DROPBEAR_DH_GROUP14_SHA1 0
#define DROPBEAR_DH_GROUP14_SHA256 0
#define DROPBEAR_SHA1_HMAC 0

/* Speed over size: every instruction of a login is emulated. */
#define DROPBEAR_SMALL_CODE 0

#define DROPBEAR_SVR_AGENTFWD 0
#define DROPBEAR_SVR_LOCALTCPFWD 0
#define DROPBEAR_SVR_REMOTETCPFWD 0
#define DO_MOTD 0

/* All programs of the guest are in /bin. */
#define SFTPSERVER_PATH "/bin/sftp-server"
#define DEFAULT_PATH "/bin"
#define DEFAULT_ROOT_PATH "/bin"
