# The Debian package: `cpack --config build/release/CPackConfig.cmake`, or scripts/package.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mqtt-linkd)
set(CPACK_PACKAGE_CONTACT "mqtt-linkd maintainers <mqtt-linkd@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# They make the user and the directories. ca-certificates: the authorities that TLS trusts.
set(CPACK_DEBIAN_PACKAGE_DEPENDS
    "systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "mosquitto, prometheus")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Independent MQTT deployments serve clients in different places. One daemon
beside each broker tells its peers which topics its deployment wants, and ships
only those messages, in order, compressed, and on disk until the far broker has
accepted them.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/etc/debian/conffiles ${PROJECT_SOURCE_DIR}/etc/debian/postinst
    ${PROJECT_SOURCE_DIR}/etc/debian/prerm ${PROJECT_SOURCE_DIR}/etc/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
